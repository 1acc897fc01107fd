using System.Numerics;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Ipc;

/// <summary>An open end of a pipe or FIFO; both ends at once for a FIFO opened O_RDWR.</summary>
internal sealed class PipeFile : OpenFile
{
    /// <summary>fs.pipe-max-size: what an unprivileged F_SETPIPE_SZ may ask for, in bytes.</summary>
    public const int MaximumSize = 1 << 20;

    /// <summary>What the largest array of slots that can be allocated at once holds.</summary>
    private const ulong LargestSize = 1 << 28;

    private readonly Inode _owner;

    /// <summary>Opens an end: the pipe has counted it when this returns.</summary>
    public PipeFile(VfsPath path, Inode inode, OpenFlags flags, Pipe pipe)
        : base(path, inode, flags)
    {
        _owner = inode;
        Pipe = pipe;
        pipe.Open(CanRead, CanWrite);
    }

    public Pipe Pipe { get; }

    public override bool IsStream => true;

    public override KTask<Result<long>> ReadAsync(Task current, IovIter to, long offset) =>
        Pipe.ReadAsync(current, to, IsNonBlocking || to.IsNoWait);

    public override KTask<Result<long>> WriteAsync(Task current, IovIter from, long offset) =>
        Pipe.WriteAsync(current, from, IsNonBlocking || from.IsNoWait, (Flags & OpenFlags.Direct) != 0);

    public override bool SupportsAsync => true;

    public override void Subscribe(bool on)
    {
        if (CanRead)
            Pipe.ReadSubscribers.Set(this, on);
        if (CanWrite)
            Pipe.WriteSubscribers.Set(this, on);
    }

    public override PollEvents Poll(PollTable? table)
    {
        Pipe.IsPolled = true;
        if (table is not null)
        {
            if (CanRead)
                table.Add(Pipe.ReadWait);
            if (CanWrite)
                table.Add(Pipe.WriteWait);
        }

        var events = PollEvents.None;
        if (CanRead)
        {
            if (!Pipe.IsEmpty)
                events |= PollEvents.In | PollEvents.ReadNormal;
            if (Pipe.Writers == 0 && Pipe.WriterOpens != WriterOpensAtStart)
                events |= PollEvents.HangUp;
        }

        if (CanWrite)
        {
            if (!Pipe.IsFull)
                events |= PollEvents.Out | PollEvents.WriteNormal;
            if (Pipe.Readers == 0)
                events |= PollEvents.Error;
        }

        return events;
    }

    /// <summary>
    /// A FIFO's reader that opened without waiting for a writer reports no hang-up until one has come and gone.
    /// </summary>
    public uint? WriterOpensAtStart { get; init; }

    public override async KTask<SyscallResult> IoctlAsync(Task current, uint command, ulong argument)
    {
        if (command != IoctlCommand.FioNRead)
            return Errno.ENOTTY;
        return await current.WriteUserAsync(new UserPtr<int>(new VirtAddr(argument)), Pipe.Available);
    }

    public override KTask<SyscallResult> ControlAsync(Task current, FcntlCommand command, ulong argument) => command switch
    {
        FcntlCommand.GetPipeSize => KTask<SyscallResult>.FromResult(Pipe.Capacity),
        FcntlCommand.SetPipeSize => KTask<SyscallResult>.FromResult(SetSize(current, (uint)argument)),
        _ => base.ControlAsync(current, command, argument),
    };

    /// <summary>F_SETPIPE_SZ: the new size in bytes, a power of two of pages.</summary>
    public SyscallResult SetSize(Task current, uint bytes)
    {
        if (bytes > 1u << 31)
            return Errno.EINVAL;
        ulong rounded = BitOperations.RoundUpToPowerOf2(Math.Max(bytes, (uint)Page.Size));
        bool grows = rounded > (ulong)Pipe.Capacity;
        if (grows && rounded > MaximumSize
            && !current.Credentials.IsCapable(current.Kernel.InitUserNamespace, Capability.SysResource))
        {
            return Errno.EPERM;
        }

        if (rounded > LargestSize)
            return Errno.ENOMEM;
        Errno error = Pipe.Resize((int)(rounded / Page.Size));
        return error != Errno.Success ? error : Pipe.Capacity;
    }

    public override void Release()
    {
        if (Pipe.Close(CanRead, CanWrite) && _owner.Fifo == Pipe)
            _owner.Fifo = null;
    }
}
