using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Vfs;

/// <summary>Who is told of events by SIGIO (F_SETOWN, F_SETOWN_EX): F_OWNER_TID, F_OWNER_PID or F_OWNER_PGRP and the number in the initial namespace.</summary>
internal readonly record struct FileOwner(int Kind, int Id, Uid Uid, Uid EffectiveUid)
{
    public const int Thread = 0;
    public const int Process = 1;
    public const int ProcessGroup = 2;

    /// <summary>The task's process, as F_NOTIFY and F_SETLEASE set it where nobody is set.</summary>
    public static FileOwner Of(Task current) =>
        new(Process, current.ThreadGroup.Leader.Pid.Global, current.Credentials.Uid, current.Credentials.Euid);
}

/// <content>fcntl and ioctl as far as they concern one kind of file.</content>
internal abstract partial class OpenFile
{
    /// <summary>The owner for SIGIO; default: nobody.</summary>
    public FileOwner Owner { get; set; }

    /// <summary>The signal sent instead of SIGIO, 0 for SIGIO itself (F_SETSIG).</summary>
    public int OwnerSignal { get; set; }

    /// <summary>Whether O_ASYNC means something here: F_SETFL sets it only then, FIOASYNC is ENOTTY otherwise.</summary>
    public virtual bool SupportsAsync => false;

    /// <summary>How it is being read, for those that read ahead; made when it is first asked for.</summary>
    public virtual Mm.ReadaheadState? Readahead => null;

    /// <summary>The pages that reads of it come from.</summary>
    public virtual Mm.AddressSpace? CachedPages => Inode.Mapping;

    /// <summary>Whether O_DIRECT may be asked for by open or F_SETFL. F_SETFL takes it for pipes and FIFOs too: packet mode.</summary>
    public virtual bool SupportsDirect => Inode.IsRegular;

    /// <summary>The fcntl commands of special kinds: pipe sizes (EBADF for others), seals (EINVAL for others).</summary>
    public virtual KTask<SyscallResult> ControlAsync(Task current, FcntlCommand command, ulong argument) =>
        KTask<SyscallResult>.FromResult(command is FcntlCommand.SetPipeSize or FcntlCommand.GetPipeSize ? Errno.EBADF : Errno.EINVAL);

    /// <summary>The lines of /proc/PID/fdinfo/N that only this kind of file has.</summary>
    public virtual string ShowInformation() => "";

    /// <summary>Whether splice and sendfile can take data out of it, and put data in.</summary>
    public virtual bool CanSpliceFrom => !Inode.IsDirectory;

    public virtual bool CanSpliceTo => !Inode.IsDirectory;

    /// <summary>What FIONREAD answers for a file with a size.</summary>
    internal long BytesAhead => Inode.Size - Position;
}
