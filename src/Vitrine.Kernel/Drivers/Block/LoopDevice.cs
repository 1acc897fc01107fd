using System.Runtime.InteropServices;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Drivers.Block;

/// <summary>
/// A disk whose content is a file, or a part of one (drivers/block/loop.c's part). Reads and writes go to the file and so
/// to its page cache. Detaching takes effect with the last close, as in Linux since 5.12.
/// </summary>
internal sealed class LoopDevice(int index) : BlockDevice(new DeviceNumber(LoopDevices.Major, (uint)index), "loop" + index)
{
    private const uint SetFd = 0x4C00;
    private const uint ClearFd = 0x4C01;
    private const uint SetStatus = 0x4C02;
    private const uint GetStatus = 0x4C03;
    private const uint SetStatus64 = 0x4C04;
    private const uint GetStatus64 = 0x4C05;
    private const uint ChangeFd = 0x4C06;
    private const uint SetCapacity = 0x4C07;
    private const uint SetDirectIo = 0x4C08;
    private const uint SetBlockSize = 0x4C09;
    private const uint Configure = 0x4C0A;
    private const LoopFlags Settable = LoopFlags.AutoClear | LoopFlags.PartitionScan;

    private LoopInfo64 _info;
    private int _sectorSize = 512;
    private long _size;

    public int Index { get; } = index;

    /// <summary>The file behind it; counted. Null: not attached.</summary>
    public OpenFile? Backing { get; private set; }

    /// <summary>It detaches with the last close, and is no longer attached for those who ask.</summary>
    public bool IsGoing { get; private set; }

    public LoopFlags Flags => _info.Flags;

    public ulong Offset => _info.Offset;

    public ulong SizeLimit => _info.SizeLimit;

    public override long Size => _size;

    public override int SectorSize => _sectorSize;

    private bool IsBound => Backing is not null && !IsGoing;

    public override KTask<Result<long>> ReadAsync(Task current, IovIter to, long offset) =>
        Backing is { } file ? file.ReadAsync(current, to, offset + (long)_info.Offset) : KTask<Result<long>>.FromResult(Errno.EIO);

    public override KTask<Result<long>> WriteAsync(Task current, IovIter from, long offset) =>
        Backing is { } file ? file.WriteAsync(current, from, offset + (long)_info.Offset) : KTask<Result<long>>.FromResult(Errno.EIO);

    public override KTask<Errno> FlushAsync(Task current) =>
        Backing is { } file ? file.SyncAsync(current, dataOnly: false) : KTask<Errno>.FromResult(Errno.Success);

    public override async KTask<SyscallResult> IoctlAsync(Task current, BlockFile file, uint command, ulong argument)
    {
        switch (command)
        {
            case SetFd:
                return Bind(current, file, new LoopConfig { Fd = (uint)argument });
            case Configure:
                Result<LoopConfig> config = await current.ReadUserAsync(new UserPtr<LoopConfig>(new VirtAddr(argument)));
                return config.TryGet(out LoopConfig asked, out Errno failed) ? Bind(current, file, in asked) : failed;
            case GetStatus or GetStatus64 when !IsBound:
            case SetStatus or SetStatus64 or ClearFd or ChangeFd or SetCapacity or SetDirectIo or SetBlockSize when !IsBound:
                return Errno.ENXIO;
            case GetStatus:
                return await current.WriteUserAsync(new UserPtr<LoopInfo>(new VirtAddr(argument)), OldStatus());
            case GetStatus64:
                return await current.WriteUserAsync(new UserPtr<LoopInfo64>(new VirtAddr(argument)), Status());
        }

        if (command is not (SetStatus or SetStatus64 or ClearFd or ChangeFd or SetCapacity or SetDirectIo or SetBlockSize))
            return Errno.ENOTTY;
        if (!file.CanWrite && !current.IsCapable(Capability.SysAdmin))
            return Errno.EPERM;
        switch (command)
        {
            case ClearFd:
                // Others have it open: it goes when the last of them closes it.
                _info.Flags |= LoopFlags.AutoClear;
                IsGoing = Openers == 1;
                return 0;
            case SetStatus:
                Result<LoopInfo> old = await current.ReadUserAsync(new UserPtr<LoopInfo>(new VirtAddr(argument)));
                return old.TryGet(out LoopInfo narrow, out Errno error) ? Change(Widen(in narrow)) : error;
            case SetStatus64:
                Result<LoopInfo64> read = await current.ReadUserAsync(new UserPtr<LoopInfo64>(new VirtAddr(argument)));
                return read.TryGet(out LoopInfo64 info, out error) ? Change(in info) : error;
            case SetCapacity:
                UpdateSize();
                return 0;
            case ChangeFd:
                return Exchange(current, new Fd((int)argument));
            case SetDirectIo:
                // The file's own page cache is always used.
                return argument == 0 ? 0 : Errno.EINVAL;
            default:
                if (!IsBlockSize((uint)argument))
                    return Errno.EINVAL;
                _sectorSize = (int)argument;
                return 0;
        }
    }

    /// <summary>Lets go of the file.</summary>
    internal void Detach()
    {
        OpenFile? file = Backing;
        Backing = null;
        IsGoing = false;
        _info = default;
        _size = 0;
        _sectorSize = 512;
        IsReadOnly = false;
        file?.Put();
    }

    protected override void LastClosed()
    {
        if (IsGoing || (_info.Flags & LoopFlags.AutoClear) != 0)
            Detach();
    }

    private static bool IsBlockSize(uint size) => size is >= 512 and <= (uint)Page.Size && (size & (size - 1)) == 0;

    private SyscallResult Bind(Task current, BlockFile opener, in LoopConfig config)
    {
        const LoopFlags known = LoopFlags.ReadOnly | LoopFlags.AutoClear | LoopFlags.PartitionScan | LoopFlags.DirectIo;
        if (!current.Files!.Get(new Fd((int)config.Fd)).TryGet(out OpenFile? file, out Errno error))
            return error;
        if (Backing is not null)
            error = Errno.EBUSY;
        else if (!IsAcceptable(file) || (config.Info.Flags & ~known) != 0 || config.Info.EncryptType != 0)
            error = Errno.EINVAL;
        else if (config.BlockSize != 0 && !IsBlockSize(config.BlockSize))
            error = Errno.EINVAL;
        else if ((long)config.Info.Offset < 0)
            error = Errno.EOVERFLOW;
        if (error != Errno.Success)
        {
            file.Put();
            return error;
        }

        Backing = file;
        _info = config.Info;
        _info.Flags &= ~LoopFlags.DirectIo;
        _sectorSize = config.BlockSize == 0 ? 512 : (int)config.BlockSize;
        if (!opener.CanWrite || !file.CanWrite)
            _info.Flags |= LoopFlags.ReadOnly;
        IsReadOnly = (_info.Flags & LoopFlags.ReadOnly) != 0;
        UpdateSize();
        return 0;
    }

    /// <summary>Regular files, and block devices that do not lead back here.</summary>
    private static bool IsAcceptable(OpenFile file) => file is not BlockFile && file.Inode.IsRegular && file.CanRead;

    /// <summary>Another file in place of one that is only read, of the same size (LOOP_CHANGE_FD).</summary>
    private SyscallResult Exchange(Task current, Fd fd)
    {
        if ((_info.Flags & LoopFlags.ReadOnly) == 0)
            return Errno.EINVAL;
        if (!current.Files!.Get(fd).TryGet(out OpenFile? file, out Errno error))
            return error;
        if (!IsAcceptable(file) || SizeOf(file) != _size)
        {
            file.Put();
            return Errno.EINVAL;
        }

        OpenFile old = Backing!;
        Backing = file;
        old.Put();
        return 0;
    }

    private SyscallResult Change(in LoopInfo64 info)
    {
        if (info.EncryptType != 0)
            return Errno.EINVAL;
        if ((long)info.Offset < 0)
            return Errno.EOVERFLOW;
        // The automatic detaching can be set and taken back, partition scanning only set, the rest stays.
        LoopFlags flags = (_info.Flags & ~LoopFlags.AutoClear) | (info.Flags & Settable);
        _info = info;
        _info.Flags = flags;
        UpdateSize();
        return 0;
    }

    private long SizeOf(OpenFile file)
    {
        long bytes = Math.Max(file.Inode.Size - (long)_info.Offset, 0);
        if (_info.SizeLimit != 0 && _info.SizeLimit < (ulong)bytes)
            bytes = (long)_info.SizeLimit;
        return bytes & ~511L;
    }

    private void UpdateSize() => _size = SizeOf(Backing!);

    private unsafe LoopInfo64 Status()
    {
        LoopInfo64 info = _info;
        Inode inode = Backing!.Inode;
        info.Device = inode.SuperBlock.Device.Encode();
        info.Inode = inode.Number.Value;
        info.RawDevice = inode.Device.Encode();
        info.Number = (uint)Index;
        info.FileName[LoopInfo64.NameLength - 1] = 0;
        return info;
    }

    private unsafe LoopInfo OldStatus()
    {
        LoopInfo64 info = Status();
        var old = new LoopInfo
        {
            Number = Index,
            Device = info.Device,
            Inode = info.Inode,
            RawDevice = info.RawDevice,
            Offset = (int)info.Offset,
            Flags = info.Flags,
        };
        // SAFETY: both names are 64 bytes of a local.
        new ReadOnlySpan<byte>(info.FileName, LoopInfo64.NameLength).CopyTo(new Span<byte>(old.Name, LoopInfo64.NameLength));
        return old;
    }

    private static unsafe LoopInfo64 Widen(in LoopInfo old)
    {
        var info = new LoopInfo64
        {
            Offset = (ulong)old.Offset,
            EncryptType = (uint)old.EncryptType,
            Flags = old.Flags,
        };
        // SAFETY: the source is pinned for the copy; both names are 64 bytes.
        fixed (byte* name = old.Name)
            new ReadOnlySpan<byte>(name, LoopInfo64.NameLength).CopyTo(new Span<byte>(info.FileName, LoopInfo64.NameLength));
        return info;
    }
}
