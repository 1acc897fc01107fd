using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Drivers.Block;

/// <summary>
/// A disk as its openers see it: bytes at offsets, a size, a sector size. What is beyond the end reads as the end and is
/// not written (ENOSPC).
/// </summary>
internal abstract class BlockDevice(DeviceNumber number, string name)
{
    public DeviceNumber Number { get; } = number;

    /// <summary>The name in /dev and /sys/block.</summary>
    public string Name { get; } = name;

    /// <summary>Bytes, a multiple of 512; 0 without a medium.</summary>
    public abstract long Size { get; }

    /// <summary>The logical block size.</summary>
    public abstract int SectorSize { get; }

    public virtual bool IsReadOnly { get; set; }

    /// <summary>How far to read ahead, in sectors of 512 bytes (BLKRASET). For the page cache of a file system on it.</summary>
    public long ReadAheadSectors { get; set; } = 256;

    public BlockStatistics Statistics { get; } = new();

    /// <summary>Open descriptions of it.</summary>
    public int Openers { get; private set; }

    public abstract KTask<Result<long>> ReadAsync(Task current, IovIter to, long offset);

    public abstract KTask<Result<long>> WriteAsync(Task current, IovIter from, long offset);

    public abstract KTask<Errno> FlushAsync(Task current);

    /// <summary>Commands of its own kind; those of all disks have been dealt with.</summary>
    public abstract KTask<SyscallResult> IoctlAsync(Task current, BlockFile file, uint command, ulong argument);

    internal void Opened() => Openers++;

    internal void Closed()
    {
        if (--Openers == 0)
            LastClosed();
    }

    protected virtual void LastClosed()
    {
    }
}

/// <summary>An open block device node.</summary>
internal sealed class BlockFile : OpenFile
{
    private const uint SetReadOnly = 0x125D;
    private const uint GetReadOnly = 0x125E;
    private const uint GetSectors = 0x1260;
    private const uint Flush = 0x1261;
    private const uint SetReadAhead = 0x1262;
    private const uint GetReadAhead = 0x1263;
    private const uint SectorSize = 0x1268;
    private const uint MinimumIo = 0x1278;
    private const uint OptimalIo = 0x1279;
    private const uint AlignmentOffset = 0x127A;
    private const uint PhysicalSectorSize = 0x127B;
    private const uint GetBlockSize = 0x80081270;
    private const uint GetBytes = 0x80081272;
    private const int Shift = 9;

    private readonly BlockDevice _device;

    public BlockFile(VfsPath path, Inode inode, OpenFlags flags, BlockDevice device)
        : base(path, inode, flags)
    {
        _device = device;
        device.Opened();
    }

    public override KTask<Result<long>> ReadAsync(Task current, IovIter to, long offset)
    {
        if (offset >= _device.Size)
            return KTask<Result<long>>.FromResult(0L);
        to.Truncate(Math.Min(to.Remaining, _device.Size - offset));
        return ReadCountedAsync(current, to, offset);
    }

    private async KTask<Result<long>> ReadCountedAsync(Task current, IovIter to, long offset)
    {
        Time.Ktime begun = Kernel.Time.Now;
        _device.Statistics.Begin(begun);
        Result<long> result = await _device.ReadAsync(current, to, offset);
        _device.Statistics.End(_device.Statistics.Reads, result.Ok ? result.Value : 0, begun, Kernel.Time.Now);
        return result;
    }

    public override async KTask<Result<long>> WriteAsync(Task current, IovIter from, long offset)
    {
        if (_device.IsReadOnly)
            return Errno.EPERM;
        if (from.IsAppend)
            offset = _device.Size;
        if (from.Remaining == 0)
            return 0L;
        if (offset >= _device.Size)
            return Errno.ENOSPC;
        from.Truncate(Math.Min(from.Remaining, _device.Size - offset));
        Time.Ktime begun = Kernel.Time.Now;
        _device.Statistics.Begin(begun);
        Result<long> result = await _device.WriteAsync(current, from, offset);
        _device.Statistics.End(_device.Statistics.Writes, result.Ok ? result.Value : 0, begun, Kernel.Time.Now);
        from.FileOffset = offset;
        return result;
    }

    public override KTask<Result<long>> SeekAsync(Task current, long offset, SeekWhence whence)
    {
        long size = _device.Size;
        long target = whence switch
        {
            SeekWhence.Set => offset,
            SeekWhence.Current => Position + offset,
            SeekWhence.End => size + offset,
            _ => -1,
        };
        return KTask<Result<long>>.FromResult(target < 0 || target > size ? Errno.EINVAL : target);
    }

    public override KTask<Errno> SyncAsync(Task current, bool dataOnly) => FlushCountedAsync(current);

    private async KTask<Errno> FlushCountedAsync(Task current)
    {
        Time.Ktime begun = Kernel.Time.Now;
        _device.Statistics.Begin(begun);
        Errno error = await _device.FlushAsync(current);
        _device.Statistics.End(_device.Statistics.Flushes, 0, begun, Kernel.Time.Now);
        return error;
    }

    public override async KTask<SyscallResult> IoctlAsync(Task current, uint command, ulong argument)
    {
        var number = new UserPtr<int>(new VirtAddr(argument));
        var wide = new UserPtr<long>(new VirtAddr(argument));
        switch (command)
        {
            case SetReadOnly:
                if (!current.IsCapable(Security.Capability.SysAdmin))
                    return Errno.EACCES;
                Result<int> wanted = await current.ReadUserAsync(number);
                if (!wanted.Ok)
                    return wanted.Error;
                _device.IsReadOnly = wanted.Value != 0;
                return 0;
            case GetReadOnly:
                return await current.WriteUserAsync(number, _device.IsReadOnly ? 1 : 0);
            case GetSectors:
                return await current.WriteUserAsync(wide, _device.Size >> Shift);
            case GetBytes:
                return await current.WriteUserAsync(wide, _device.Size);
            case Flush:
                return current.IsCapable(Security.Capability.SysAdmin) ? await FlushCountedAsync(current) : Errno.EACCES;
            case SetReadAhead:
                if (!current.IsCapable(Security.Capability.SysAdmin))
                    return Errno.EACCES;

                // In whole pages.
                _device.ReadAheadSectors = (long)(argument >> (Page.Shift - Shift) << (Page.Shift - Shift));
                return 0;
            case GetReadAhead:
                return await current.WriteUserAsync(wide, _device.ReadAheadSectors);
            case SectorSize:
            case GetBlockSize:
            case PhysicalSectorSize:
            case MinimumIo:
                return await current.WriteUserAsync(number, _device.SectorSize);
            case OptimalIo:
            case AlignmentOffset:
                return await current.WriteUserAsync(number, 0);
            default:
                return await _device.IoctlAsync(current, this, command, argument);
        }
    }

    public override void Release() => _device.Closed();
}
