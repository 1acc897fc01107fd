using System.Runtime.InteropServices;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;
using Vitrine.Kernel.Vfs.Locking;
using Vitrine.Kernel.Vfs.Notify;

namespace Vitrine.Kernel.Syscalls.Files;

/// <summary>dup, dup2, dup3, fcntl (dup(2), fcntl(2)).</summary>
internal static class DescriptorCalls
{
    private const OpenFlags Settable = OpenFlags.Append | OpenFlags.NonBlock | OpenFlags.Direct | OpenFlags.NoAccessTime;

    [Syscall(32, "dup", SyscallSupport.Real)]
    public static SyscallResult Dup(Task current, Fd fd) => Duplicate(current, fd, 0, closeOnExec: false);

    [Syscall(33, "dup2", SyscallSupport.Real)]
    public static KTask<SyscallResult> Dup2(Task current, Fd from, Fd to)
    {
        if (from != to)
            return ReplaceAsync(current, from, to, closeOnExec: false);
        return KTask<SyscallResult>.FromResult(current.Files!.Peek(from) is null ? Errno.EBADF : to);
    }

    [Syscall(292, "dup3", SyscallSupport.Real)]
    public static KTask<SyscallResult> Dup3(Task current, Fd from, Fd to, OpenFlags flags)
    {
        if ((flags & ~OpenFlags.CloseOnExec) != 0 || from == to)
            return KTask<SyscallResult>.FromResult(Errno.EINVAL);
        return ReplaceAsync(current, from, to, (flags & OpenFlags.CloseOnExec) != 0);
    }

    [Syscall(72, "fcntl", SyscallSupport.Real)]
    public static KTask<SyscallResult> Fcntl(Task current, Fd fd, FcntlCommand command, ulong argument)
    {
        FdTable table = current.Files!;
        if (table.Peek(fd) is not { } file)
            return Done(Errno.EBADF);
        switch (command)
        {
            case FcntlCommand.DupFd:
            case FcntlCommand.DupFdCloseOnExec:
                return Done((int)argument < 0 || argument >= current.DescriptorLimit
                    ? Errno.EINVAL
                    : Duplicate(current, fd, (int)argument, command == FcntlCommand.DupFdCloseOnExec));
            case FcntlCommand.GetFd:
                return Done(table.IsCloseOnExec(fd) ? 1 : 0);
            case FcntlCommand.SetFd:
                table.SetCloseOnExec(fd, (argument & 1) != 0);
                return Done(0);
            case FcntlCommand.GetFl:
                return Done((uint)file.Flags);
            case FcntlCommand.CreatedQuery:
                return Done(file.WasCreated ? 1L : 0L);
            case FcntlCommand.DupFdQuery:
                return Done(table.Peek(new Fd((int)argument)) is { } other ? (other == file ? 1 : 0) : Errno.EBADF);
        }

        // An O_PATH descriptor has no more than that.
        return file.IsPathOnly ? Done(Errno.EBADF) : ControlAsync(current, fd, file.Get(), command, argument);
    }

    private static KTask<SyscallResult> Done(SyscallResult result) => KTask<SyscallResult>.FromResult(result);

    private static async KTask<SyscallResult> ControlAsync(Task current, Fd fd, OpenFile file, FcntlCommand command, ulong argument)
    {
        var where = new UserPtr<LinuxFlock>(new VirtAddr(argument));
        SyscallResult result;
        switch (command)
        {
            case FcntlCommand.SetFl:
                result = SetFlags(current, fd, file, (OpenFlags)(uint)argument);
                break;
            case FcntlCommand.GetLk:
            case FcntlCommand.OfdGetLk:
                result = await LockCalls.GetLockAsync(current, file, where, command == FcntlCommand.OfdGetLk);
                break;
            case FcntlCommand.SetLk:
            case FcntlCommand.SetLkW:
                result = await LockCalls.SetLockAsync(current, fd, file, where, ofd: false, wait: command == FcntlCommand.SetLkW);
                break;
            case FcntlCommand.OfdSetLk:
            case FcntlCommand.OfdSetLkW:
                result = await LockCalls.SetLockAsync(current, fd, file, where, ofd: true, wait: command == FcntlCommand.OfdSetLkW);
                break;
            case FcntlCommand.SetOwn:
                result = SetOwner(current, file, (int)argument);
                break;
            case FcntlCommand.GetOwn:
                result = GetOwner(current, file) is var owner && file.Owner.Kind == FileOwner.ProcessGroup ? new SyscallResult(-owner) : owner;
                break;
            case FcntlCommand.SetOwnEx:
                result = await SetOwnerExtendedAsync(current, file, new UserPtr<OwnerStructure>(new VirtAddr(argument)));
                break;
            case FcntlCommand.GetOwnEx:
                result = await current.WriteUserAsync(
                    new UserPtr<OwnerStructure>(new VirtAddr(argument)),
                    new OwnerStructure { Kind = file.Owner.Kind, Id = GetOwner(current, file) });
                break;
            case FcntlCommand.SetSig:
                result = argument > 64 ? Errno.EINVAL : Errno.Success;
                if (!result.IsError)
                    file.OwnerSignal = (int)argument;
                break;
            case FcntlCommand.GetSig:
                result = file.OwnerSignal;
                break;
            case FcntlCommand.GetOwnerUids:
                result = await current.WriteUserAsync(new UserPtr<OwnerUids>(new VirtAddr(argument)), new OwnerUids { Uid = file.Owner.Uid.Value, EffectiveUid = file.Owner.EffectiveUid.Value });
                break;
            case FcntlCommand.GetWriteHint:
                result = await current.WriteUserAsync(new UserPtr<ulong>(new VirtAddr(argument)), file.Inode.WriteLifetime);
                break;
            case FcntlCommand.SetWriteHint:
                result = await SetWriteHintAsync(current, file, new UserPtr<ulong>(new VirtAddr(argument)));
                break;
            case FcntlCommand.GetLease:
                result = (int)current.Kernel.Vfs.Leases.Get(file);
                break;
            case FcntlCommand.SetLease:
                result = argument > (ulong)FileLockKind.None ? Errno.EINVAL : current.Kernel.Vfs.Leases.Set(current, fd, file, (FileLockKind)argument);
                break;
            case FcntlCommand.Notify:
                result = DirectoryWatch.Set(current, fd, file, (uint)argument);
                break;
            case FcntlCommand.SetPipeSize:
            case FcntlCommand.GetPipeSize:
            case FcntlCommand.AddSeals:
            case FcntlCommand.GetSeals:
                result = await file.ControlAsync(current, command, argument);
                break;
            default:
                result = Errno.EINVAL;
                break;
        }

        file.Put();
        return result;
    }

    private static SyscallResult Duplicate(Task current, Fd fd, int minimum, bool closeOnExec)
    {
        Result<OpenFile> file = current.Files!.GetAny(fd);
        if (!file.Ok)
            return file.Error;
        Result<Fd> slot = current.Files.Install(current, file.Value, closeOnExec, minimum);
        if (slot.Ok)
            return slot.Value;
        file.Value.Put();
        return slot.Error;
    }

    private static async KTask<SyscallResult> ReplaceAsync(Task current, Fd from, Fd to, bool closeOnExec)
    {
        FdTable table = current.Files!;
        if (to.Value < 0 || (ulong)to.Value >= current.DescriptorLimit)
            return Errno.EBADF;
        Result<OpenFile> file = table.GetAny(from);
        if (!file.Ok)
            return file.Error;
        Result<OpenFile?> old = table.Replace(to, file.Value, closeOnExec);
        if (!old.Ok)
        {
            file.Value.Put();
            return old.Error;
        }

        if (old.Value is { } closed)
            _ = await table.CloseFileAsync(current, closed);
        return to;
    }

    private static Errno SetFlags(Task current, Fd fd, OpenFile file, OpenFlags flags)
    {
        // Who could always only append must not be able to take it back from a file marked so; nobody else may hide reads.
        if ((flags & OpenFlags.NoAccessTime) != 0 && (file.Flags & OpenFlags.NoAccessTime) == 0 && !VirtualFileSystem.IsOwnerOrCapable(current, file.Inode))
            return Errno.EPERM;
        if ((flags & OpenFlags.Direct) != 0 && !file.SupportsDirect && file.Inode.Type != FileMode.Fifo)
            return Errno.EINVAL;
        OpenFlags changeable = file.SupportsAsync ? Settable | OpenFlags.Async : Settable;
        OpenFlags changed = (file.Flags & ~changeable) | (flags & changeable);
        Errno error = file.FlagsChanged(changed);
        if (error != Errno.Success)
            return error;
        file.Flags = changed;
        if (file.SupportsAsync)
            file.SetAsync(current, fd, (changed & OpenFlags.Async) != 0);
        return Errno.Success;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct OwnerStructure
    {
        public int Kind;
        public int Id;
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct OwnerUids
    {
        public uint Uid;
        public uint EffectiveUid;
    }

    private static async KTask<SyscallResult> SetWriteHintAsync(Task current, OpenFile file, UserPtr<ulong> where)
    {
        const ulong extreme = 5;
        if (!VirtualFileSystem.IsOwnerOrCapable(current, file.Inode))
            return Errno.EPERM;
        Result<ulong> hint = await current.ReadUserAsync(where);
        if (!hint.Ok)
            return hint.Error;
        if (hint.Value > extreme)
            return Errno.EINVAL;
        file.Inode.WriteLifetime = (byte)hint.Value;
        return Errno.Success;
    }

    private static SyscallResult SetOwner(Task current, OpenFile file, int owner)
    {
        if (owner == int.MinValue)
            return Errno.EINVAL;
        return SetOwner(current, file, owner < 0 ? FileOwner.ProcessGroup : FileOwner.Process, Math.Abs(owner));
    }

    private static SyscallResult SetOwner(Task current, OpenFile file, int kind, int id)
    {
        int global = 0;
        if (id != 0)
        {
            if (current.Namespaces.Pid.Find(id) is not { } number)
                return Errno.ESRCH;
            global = number.Global;
        }

        file.Owner = new FileOwner(kind, global, current.Credentials.Uid, current.Credentials.Euid);
        return Errno.Success;
    }

    private static int GetOwner(Task current, OpenFile file)
    {
        int global = file.Owner.Id;
        if (global == 0)
            return 0;
        PidNumberOf(current, global, out int id);
        return id;
    }

    private static void PidNumberOf(Task current, int global, out int id)
    {
        Namespaces.PidNamespace initial = current.Namespaces.Pid;
        while (initial.Parent is { } parent)
            initial = parent;
        id = initial.Find(global) is { } number ? number.In(current.Namespaces.Pid) : 0;
    }

    private static async KTask<SyscallResult> SetOwnerExtendedAsync(Task current, OpenFile file, UserPtr<OwnerStructure> where)
    {
        Result<OwnerStructure> given = await current.ReadUserAsync(where);
        if (!given.Ok)
            return given.Error;
        return given.Value.Kind is < FileOwner.Thread or > FileOwner.ProcessGroup
            ? Errno.EINVAL
            : SetOwner(current, file, given.Value.Kind, given.Value.Id);
    }
}
