using Vitrine.Kernel.Async;
using Vitrine.Kernel.Cgroups;

namespace Vitrine.Kernel.Tasks.Exec;

/// <summary>
/// Argument and environment strings on their way from the old program to the new one's stack, with Linux's limits.
/// Charged as kernel memory while it holds them.
/// </summary>
internal sealed class ExecArguments(Cgroup cgroup, RLimit stackLimit)
{
    /// <summary>MAX_ARG_STRLEN: one string with its NUL.</summary>
    public const int MaximumStringLength = 128 << 10;

    // MAX_ARG_STRINGS is 2^31 − 1; the size limit is always met first.
    private const ulong LargestTotal = (8UL << 20) / 4 * 3;
    private const ulong LeastTotal = 128 << 10;

    private readonly ulong _limit = Math.Max(Math.Min(LargestTotal, stackLimit.Soft / 4), LeastTotal);
    private ulong _bytes;
    private long _charged;

    public List<byte[]> Arguments { get; } = [];

    public List<byte[]> Environment { get; } = [];

    /// <summary>Bytes of all strings with their NULs.</summary>
    public ulong StringBytes => _bytes;

    public Errno AddArgument(byte[] text) => Add(Arguments, Arguments.Count, text);

    public Errno AddEnvironment(byte[] text) => Add(Environment, Environment.Count, text);

    /// <summary>Reads a NULL-terminated array of strings of the caller; a null array counts as an empty one.</summary>
    public async KTask<Errno> ReadAsync(Task current, UserPtr<ulong> array, bool environment)
    {
        if (array.IsNull)
            return Errno.Success;
        for (long i = 0; ; i++)
        {
            Result<ulong> pointer = await current.ReadUserAsync(array.Element(i));
            if (!pointer.TryGet(out ulong address, out Errno error))
                return error;
            if (address == 0)
                return Errno.Success;
            Result<byte[]> text = await current.ReadUserStringAsync(new UserString(new VirtAddr(address)), MaximumStringLength, Errno.E2BIG);
            if (!text.TryGet(out byte[]? bytes, out error))
                return error;
            error = environment ? AddEnvironment(bytes) : AddArgument(bytes);
            if (error != Errno.Success)
                return error;
            if (current.IsFatalSignalPending)
                return Errno.ERESTARTNOHAND;
        }
    }

    /// <summary>A script's arguments: interpreter, its argument, the script's path, then the old ones without the first.</summary>
    public Errno PrependInterpreter(ScriptHeader script, byte[] scriptPath)
    {
        if (Arguments.Count > 0)
        {
            _bytes -= (ulong)Arguments[0].Length + 1;
            Arguments.RemoveAt(0);
        }

        Errno error = Add(Arguments, 0, scriptPath);
        if (error == Errno.Success && script.Argument is { } argument)
            error = Add(Arguments, 0, argument);
        return error == Errno.Success ? Add(Arguments, 0, script.Interpreter) : error;
    }

    /// <summary>The strings are on the stack, or exec failed.</summary>
    public void Release()
    {
        cgroup.UnchargeKernelMemory(_charged);
        _charged = 0;
    }

    private Errno Add(List<byte[]> list, int at, byte[] text)
    {
        ulong bytes = _bytes + (ulong)text.Length + 1;
        ulong pointers = ((ulong)Math.Max(Arguments.Count + 1, 1) + (ulong)Environment.Count + 1) * sizeof(ulong);
        if (bytes + pointers > _limit)
            return Errno.E2BIG;
        // The object around the bytes counts too.
        long size = text.Length + 32;
        Errno error = cgroup.ChargeKernelMemory(size);
        if (error != Errno.Success)
            return error;
        _charged += size;
        _bytes = bytes;
        list.Insert(at, text);
        return Errno.Success;
    }
}
