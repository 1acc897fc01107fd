namespace Vitrine.Kernel.Tasks.Exec;

/// <summary>
/// The first line of an interpreter script (execve(2), "Interpreter scripts"): "#!", the interpreter, and at most one
/// argument, which may contain spaces.
/// </summary>
internal readonly record struct ScriptHeader(byte[] Interpreter, byte[]? Argument)
{
    /// <summary>Bytes of a program that decide what it is (BINPRM_BUF_SIZE).</summary>
    public const int BufferSize = 256;

    /// <summary>Parses the buffer's first line. ENOEXEC if it names no interpreter, or its name may be cut off.</summary>
    /// <param name="buffer">The first bytes, without those behind the file's end.</param>
    public static Result<ScriptHeader> Parse(ReadOnlySpan<byte> buffer)
    {
        ReadOnlySpan<byte> line = buffer[2..Math.Min(buffer.Length, BufferSize - 1)];
        int end = line.IndexOf((byte)'\n');
        if (end < 0)
        {
            // No end of line in sight: the name must at least be complete.
            int name = line.IndexOfAnyExcept((byte)' ', (byte)'\t');
            if (name < 0)
                return Errno.ENOEXEC;
            bool complete = buffer.Length < BufferSize - 1 || line[name..].IndexOfAny((byte)' ', (byte)'\t', (byte)0) >= 0;
            if (!complete)
                return Errno.ENOEXEC;
            end = line.Length;
        }

        line = line[..end];
        int zero = line.IndexOf((byte)0);
        if (zero >= 0)
            line = line[..zero];
        line = line.Trim(" \t"u8);
        if (line.IsEmpty)
            return Errno.ENOEXEC;
        int blank = line.IndexOfAny((byte)' ', (byte)'\t');
        if (blank < 0)
            return new ScriptHeader(line.ToArray(), null);
        return new ScriptHeader(line[..blank].ToArray(), line[blank..].TrimStart(" \t"u8).ToArray());
    }
}
