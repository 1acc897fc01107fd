using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;
using Vitrine.Kernel.Vfs.Generated;

namespace Vitrine.Fs.Proc.Process;

/// <summary>A generated file about a task: ESRCH once the task is gone.</summary>
internal sealed class ProcessText(ProcessContext context, FileMode mode, Action<Task, ProcessContext, GeneratedText> generate, bool isPrivate = false)
    : TextInode(context.SuperBlock, mode)
{
    public override bool IsStillValid => context.IsAlive;

    public override bool IsPollable => false;

    public override Errno CheckOpen(Task current) =>
        isPrivate && !ProcessAccess.MayRead(current, context.Task) ? Errno.EACCES : Errno.Success;

    public override KTask<Errno> GenerateAsync(Task current, OpenFile file, GeneratedText text)
    {
        if (!context.IsAlive)
            return Fail(Errno.ESRCH);
        generate(current, context, text);
        return Fail(Errno.Success);
    }
}

/// <summary>A file about a task that can be set.</summary>
internal sealed class ProcessSetting(
    ProcessContext context, FileMode mode, Action<Task, ProcessContext, GeneratedText> generate, Func<Task, ProcessContext, string, Errno> store)
    : TextInode(context.SuperBlock, mode)
{
    public override bool IsStillValid => context.IsAlive;

    public override bool IsPollable => false;

    public override KTask<Errno> GenerateAsync(Task current, OpenFile file, GeneratedText text)
    {
        if (!context.IsAlive)
            return Fail(Errno.ESRCH);
        generate(current, context, text);
        return Fail(Errno.Success);
    }

    public override KTask<Errno> StoreAsync(Task current, ReadOnlyMemory<byte> data) =>
        Fail(context.IsAlive ? store(current, context, global::System.Text.Encoding.UTF8.GetString(data.Span).TrimEnd('\n')) : Errno.ESRCH);
}

/// <summary>A file whose text lies in the memory of the task: cmdline, environ.</summary>
internal sealed class ProcessMemoryText(ProcessContext context, FileMode mode, bool environment) : TextInode(context.SuperBlock, mode)
{
    // Longer argument areas are cut: exec allows at most a quarter of the stack limit.
    private const ulong Longest = 8 << 20;

    public override bool IsStillValid => context.IsAlive;

    public override bool IsPollable => false;

    public override Errno CheckOpen(Task current) =>
        environment && !ProcessAccess.MayRead(current, context.Task) ? Errno.EACCES : Errno.Success;

    public override async KTask<Errno> GenerateAsync(Task current, OpenFile file, GeneratedText text)
    {
        if (!context.IsAlive)
            return Errno.ESRCH;
        if (context.Task.Mm is not { } mm)
            return Errno.Success;
        VirtAddr start = environment ? mm.EnvStart : mm.ArgStart;
        VirtAddr end = environment ? mm.EnvEnd : mm.ArgEnd;
        if (end <= start)
            return Errno.Success;
        mm.Get();
        byte[] buffer = new byte[Math.Min(end - start, Longest)];
        Errno error = await mm.ReadRemoteAsync(current, start, buffer);
        if (error == Errno.Success && !environment && buffer[^1] != 0)
            error = await AppendRewrittenTitleAsync(current, mm, buffer, text);
        else if (error == Errno.Success)
            text.Append(buffer);
        mm.Put();
        return error == Errno.EFAULT ? Errno.Success : error;
    }

    /// <summary>
    /// A program that has overwritten its arguments (setproctitle) without a final NUL: the text goes on into the environment
    /// and ends at the first NUL.
    /// </summary>
    private static async KTask<Errno> AppendRewrittenTitleAsync(Task current, Vitrine.Kernel.Mm.MmStruct mm, byte[] arguments, GeneratedText text)
    {
        int nul = Array.IndexOf(arguments, (byte)0);
        if (nul >= 0)
        {
            text.Append(arguments.AsSpan(0, nul));
            return Errno.Success;
        }

        text.Append(arguments);
        if (mm.EnvStart != mm.ArgEnd || mm.EnvEnd <= mm.EnvStart)
            return Errno.Success;
        byte[] more = new byte[Math.Min(mm.EnvEnd - mm.EnvStart, Page.Size)];
        Errno error = await mm.ReadRemoteAsync(current, mm.EnvStart, more);
        if (error != Errno.Success)
            return error;
        int end = Array.IndexOf(more, (byte)0);
        text.Append(more.AsSpan(0, end < 0 ? more.Length : end));
        return Errno.Success;
    }
}
