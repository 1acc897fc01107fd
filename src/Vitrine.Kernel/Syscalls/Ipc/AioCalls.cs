using Vitrine.Kernel.Async;
using Vitrine.Kernel.Ipc;
using Vitrine.Kernel.Ipc.Aio;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Syscalls.Ipc;

/// <summary>
/// Asynchronous I/O: io_setup(2), io_destroy(2), io_submit(2), io_getevents(2), io_pgetevents, io_cancel(2). As in Linux,
/// transfers through the page cache are done while they are submitted; only polls go on by themselves.
/// </summary>
internal static class AioCalls
{
    /// <summary>fs.aio-max-nr.</summary>
    public const int MaximumEvents = 65536;

    /// <summary>A ring of more events could not be counted: EINVAL, not EAGAIN.</summary>
    private const uint LargestRing = 0x10000000 / 32;

    private const string SyncTransfers = "transfers and syncs are done at submission";

    [Syscall(206, "io_setup", SyscallSupport.Real)]
    public static async KTask<SyscallResult> IoSetup(Task current, uint events, UserPtr<ulong> context)
    {
        Result<ulong> old = await current.ReadUserAsync(context);
        if (!old.Ok)
            return old.Error;
        if (old.Value != 0 || events == 0)
            return Errno.EINVAL;
        if (events > LargestRing)
            return Errno.EINVAL;
        KernelInstance kernel = current.Kernel;
        if (events > MaximumEvents || kernel.AioEvents + events > MaximumEvents)
            return Errno.EAGAIN;
        MmStruct mm = current.Mm!;
        int capacity = (int)events;
        if (mm.Cgroup.ChargeKernelMemory(AioContext.SizeOf(capacity)) != Errno.Success)
            return Errno.ENOMEM;

        // The mapping holds nothing: a library that looks for a ring of events there finds that there is none it knows.
        Result<VirtAddr> place = await mm.MapAsync(
            current, default, Page.Size, ProtectionFlags.Read | ProtectionFlags.Write, MapFlags.Private | MapFlags.Anonymous, null, 0);
        if (!place.TryGet(out VirtAddr id, out Errno error))
        {
            mm.Cgroup.UnchargeKernelMemory(AioContext.SizeOf(capacity));
            return error;
        }

        kernel.AioEvents += capacity;
        var made = new AioContext(mm, id, capacity);
        mm.AddAioContext(made);
        error = await current.WriteUserAsync(context, id.Value);
        if (error != Errno.Success)
            Destroy(mm, made);
        return error;
    }

    [Syscall(207, "io_destroy", SyscallSupport.Real)]
    public static SyscallResult IoDestroy(Task current, VirtAddr context)
    {
        if (current.Mm!.FindAioContext(context) is not { } found)
            return Errno.EINVAL;
        Destroy(current.Mm, found);
        return 0;
    }

    [Syscall(209, "io_submit", SyscallSupport.Partial, Note = SyncTransfers)]
    public static async KTask<SyscallResult> IoSubmit(Task current, VirtAddr context, long count, UserPtr<ulong> blocks)
    {
        if (count < 0 || current.Mm!.FindAioContext(context) is not { } found)
            return Errno.EINVAL;
        for (int i = 0; i < count; i++)
        {
            Result<ulong> block = await current.ReadUserAsync(blocks.Element(i));
            Errno error = block.Ok ? await SubmitAsync(current, found, new VirtAddr(block.Value)) : block.Error;
            if (error != Errno.Success)
                return i > 0 ? i : error;
        }

        return count;
    }

    [Syscall(208, "io_getevents", SyscallSupport.Real)]
    public static async KTask<SyscallResult> IoGetEvents(
        Task current, VirtAddr context, long least, long most, UserPtr<AioEvent> events, [Strace("timespec")] UserPtr<Timespec> timeout)
    {
        SyscallResult result = await TakeAsync(current, context, least, most, events, timeout);
        return result;
    }

    [Syscall(333, "io_pgetevents", SyscallSupport.Real)]
    public static async KTask<SyscallResult> IoPGetEvents(
        Task current,
        VirtAddr context,
        long least,
        long most,
        UserPtr<AioEvent> events,
        [Strace("timespec")] UserPtr<Timespec> timeout,
        UserPtr<AioSignalMask> mask)
    {
        if (!mask.IsNull)
        {
            Result<AioSignalMask> read = await current.ReadUserAsync(mask);
            if (!read.TryGet(out AioSignalMask given, out Errno error))
                return error;
            error = await TemporaryMask.SetAsync(current, new UserPtr<ulong>(new VirtAddr(given.Mask)), (nuint)given.Size);
            if (error != Errno.Success)
                return error;
        }

        SyscallResult result = await TakeAsync(current, context, least, most, events, timeout);
        bool interrupted = result.Error == Errno.EINTR;
        current.RestoreSavedMask(interrupted);
        return interrupted ? Errno.ERESTARTNOHAND : result;
    }

    [Syscall(210, "io_cancel", SyscallSupport.Real)]
    public static async KTask<SyscallResult> IoCancel(Task current, VirtAddr context, VirtAddr block, VirtAddr result)
    {
        Result<uint> key = await current.ReadUserAsync(new UserPtr<uint>(block + AioControlBlock.KeyOffset));
        if (!key.Ok)
            return key.Error;
        if (key.Value != 0 || current.Mm!.FindAioContext(context) is not { } found)
            return Errno.EINVAL;
        if (found.Cancel(block) is not { } poll)
            return Errno.EINVAL;
        poll.Cancel();
        return Errno.EINPROGRESS;
    }

    private static void Destroy(MmStruct mm, AioContext context)
    {
        mm.RemoveAioContext(context);
        _ = mm.Unmap(context.Id, Page.Size);
    }

    private static async KTask<SyscallResult> TakeAsync(
        Task current, VirtAddr context, long least, long most, UserPtr<AioEvent> events, UserPtr<Timespec> timeout)
    {
        Ktime deadline = Ktime.Never;
        bool immediate = false;
        if (!timeout.IsNull)
        {
            Result<Timespec> read = await current.ReadUserAsync(timeout);
            if (!read.TryGet(out Timespec time, out Errno failed))
                return failed;
            if (!time.IsValid)
                return Errno.EINVAL;
            immediate = Ktime.Duration(time) == 0;
            deadline = current.Kernel.Time.Now + Ktime.Duration(time);
        }

        if (current.Mm!.FindAioContext(context) is not { } found || least < 0 || least > most)
            return Errno.EINVAL;
        Result<AioEvent[]> taken = await found.TakeAsync(current, (int)Math.Min(least, int.MaxValue), (int)Math.Min(most, MaximumEvents), deadline, immediate);
        if (!taken.TryGet(out AioEvent[]? list, out Errno error))
            return error;
        for (int i = 0; i < list.Length; i++)
        {
            error = await current.WriteUserAsync(events.Element(i), list[i]);
            if (error != Errno.Success)
                return i > 0 ? i : error;
        }

        return list.Length;
    }

    private static async KTask<Errno> SubmitAsync(Task current, AioContext context, VirtAddr address)
    {
        Result<AioControlBlock> read = await current.ReadUserAsync(new UserPtr<AioControlBlock>(address));
        if (!read.TryGet(out AioControlBlock block, out Errno error))
            return error;
        if (block.Reserved != 0 || (long)block.Length < 0)
            return Errno.EINVAL;
        if (context.IsFull)
            return Errno.EAGAIN;
        if (!current.Files!.Get(new Fd(block.Fd)).TryGet(out OpenFile? file, out error))
            return error;
        EventFile? signal = null;
        if ((block.Flags & AioFlags.ResultFd) != 0)
        {
            Result<OpenFile> found = current.Files.Get(new Fd(block.ResultFd));
            if (!found.TryGet(out OpenFile? target, out error) || target is not EventFile)
            {
                target?.Put();
                file.Put();
                return error == Errno.Success ? Errno.EINVAL : error;
            }

            signal = (EventFile)target;
        }

        error = await current.WriteUserAsync(new UserPtr<uint>(address + AioControlBlock.KeyOffset), 0u);
        if (error == Errno.Success && block.Command == AioCommand.Poll)
        {
            error = CheckPoll(in block);
            if (error == Errno.Success)
            {
                context.InFlight++;
                new AioPoll(context, file, signal, address, block.Data, (PollEvents)(ushort)block.Buffer).Start();
                return Errno.Success;
            }
        }

        if (error == Errno.Success)
        {
            context.InFlight++;
            Result<long> done = await TransferAsync(current, file, block);
            if (done.Error is Errno.ERESTARTSYS or Errno.ERESTARTNOINTR or Errno.ERESTARTNOHAND or Errno.ERESTART_RESTARTBLOCK)
                done = Errno.EINTR;
            if (IsRefusal(done.Error, in block))
            {
                context.InFlight--;
                error = done.Error;
            }
            else if (!context.IsDead)
            {
                context.Complete(block.Data, address, done.Ok ? done.Value : -(long)done.Error, signal);
            }
        }

        signal?.Put();
        file.Put();
        return error;
    }

    /// <summary>What is wrong with the request itself is io_submit's error; what goes wrong with the transfer is its result.</summary>
    private static bool IsRefusal(Errno error, in AioControlBlock block) => error switch
    {
        Errno.EBADF or Errno.EFAULT => true,
        Errno.EINVAL or Errno.EOPNOTSUPP => block.Command is not (AioCommand.Read or AioCommand.Write or AioCommand.ReadVector or AioCommand.WriteVector) || block.Offset < 0,
        _ => false,
    };

    private static Errno CheckPoll(in AioControlBlock block) =>
        block.Buffer > ushort.MaxValue || block.Offset != 0 || block.Length != 0 || block.RwFlags != 0
            ? Errno.EINVAL
            : Errno.Success;

    private static async KTask<Result<long>> TransferAsync(Task current, OpenFile file, AioControlBlock block)
    {
        VirtualFileSystem vfs = current.Kernel.Vfs;
        bool writes = block.Command is AioCommand.Write or AioCommand.WriteVector;
        switch (block.Command)
        {
            case AioCommand.Sync:
            case AioCommand.DataSync:
                if (block.Buffer != 0 || block.Offset != 0 || block.Length != 0 || block.RwFlags != 0)
                    return Errno.EINVAL;
                Errno synced = await file.SyncAsync(current, dataOnly: block.Command == AioCommand.DataSync);
                if (synced != Errno.Success)
                    return synced;
                return 0L;
            case AioCommand.Read:
            case AioCommand.Write:
            case AioCommand.ReadVector:
            case AioCommand.WriteVector:
                break;
            default:
                return Errno.EINVAL;
        }

        if (writes ? !file.CanWrite : !file.CanRead)
            return Errno.EBADF;
        if (block.Offset < 0)
            return Errno.EINVAL;
        var buffer = new VirtAddr(block.Buffer);
        Result<UserIovIter> rented = block.Command is AioCommand.Read or AioCommand.Write
            ? vfs.Iterators.Rent(current, buffer, block.Length)
            : await vfs.Iterators.RentAsync(current, new UserPtr<Iovec>(buffer), block.Length);
        if (!rented.TryGet(out UserIovIter? iter, out Errno error))
            return error;
        bool direct = (block.RwFlags & ~(RwFlags.HighPriority | RwFlags.DataSync | RwFlags.Sync | RwFlags.Append | RwFlags.NoWait)) == 0;
        iter.IsNoWait = (block.RwFlags & RwFlags.NoWait) != 0;
        iter.IsAppend = writes && (block.RwFlags & RwFlags.Append) != 0;
        Result<long> result = !direct ? Errno.EOPNOTSUPP
            : writes
                ? await vfs.WriteAsync(current, file, iter, block.Offset, (block.RwFlags & RwFlags.Sync) != 0, (block.RwFlags & RwFlags.DataSync) != 0)
                : await vfs.ReadAsync(current, file, iter, block.Offset);
        iter.Dispose();

        // A bad buffer is the transfer's result, not the request's.
        return result.Error == Errno.EFAULT ? -(long)Errno.EFAULT : result;
    }
}
