using Vitrine.Fs.Host.Native;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Host;

/// <content>Reading all entries at once.</content>
internal sealed partial class HostDirectory
{
    /// <summary>Directories of more bytes than this are read off the kernel lock.</summary>
    private const long LargeDirectory = 1 << 20;

    private const int BufferSize = 65536;

    /// <summary>What the guest sees of the directory's entries, without "." and "..".</summary>
    public async KTask<Result<DirectorySnapshot>> ListAsync(Task current)
    {
        if (_rule is { Exposure: not HostExposure.Whole })
            return await ListRulesAsync(current, _rule);
        Result<HostHandle> pinned = await PinHandleAsync(current);
        if (!pinned.TryGet(out HostHandle? handle, out Errno error))
            return error;
        int descriptor = handle.Descriptor;
        Result<DirectorySnapshot> listed = HostDevice.IsSlow || Size > LargeDirectory
            ? await HostWork.RunAsync(current, () => ReadEntries(descriptor))
            : ReadEntries(descriptor);
        Super.Directories.Unpin(handle);
        if (!listed.TryGet(out DirectorySnapshot? listing, out error))
            return error;
        return Super.Spec.IsDeterministic ? Discover(listing) : listing;
    }

    /// <summary>Reads and filters. Touches only what never changes, so that it may run on any thread.</summary>
    [HostBoundary("reads a directory of the host")]
    private unsafe Result<DirectorySnapshot> ReadEntries(int descriptor)
    {
        Result<int> opened = HostCalls.OpenAt(descriptor, "."u8, OpenFlags.ReadOnly | OpenFlags.Directory | OpenFlags.CloseOnExec);
        if (!opened.TryGet(out int stream, out Errno error))
            return error;
        var listing = new DirectorySnapshot();
        byte[] buffer = System.Buffers.ArrayPool<byte>.Shared.Rent(BufferSize);
        // SAFETY: pinned for the loop; the kernel's records lie within the bytes it reports.
        fixed (byte* p = buffer)
        {
            for (; ; )
            {
                Result<int> read = HostCalls.ReadDirectory(stream, p, BufferSize);
                if (!read.TryGet(out int length, out error) || length == 0)
                    break;
                AddRecords(descriptor, listing, new ReadOnlySpan<byte>(p, length));
            }
        }

        System.Buffers.ArrayPool<byte>.Shared.Return(buffer);
        HostCalls.Close(stream);
        return error == Errno.Success ? listing : error;
    }

    private void AddRecords(int descriptor, DirectorySnapshot listing, ReadOnlySpan<byte> records)
    {
        // struct linux_dirent64: d_ino, d_off (8 bytes each), d_reclen (2), d_type (1), d_name.
        const int nameOffset = 19;
        while (records.Length > nameOffset)
        {
            int recordLength = BitConverter.ToUInt16(records[16..]);
            byte type = records[18];
            ReadOnlySpan<byte> name = records[nameOffset..recordLength];
            name = name[..name.IndexOf((byte)0)];
            ulong inode = BitConverter.ToUInt64(records);
            records = records[recordLength..];
            if (name.SequenceEqual("."u8) || name.SequenceEqual(".."u8) || HidesName(name))
                continue;
            const byte symlink = 10;
            if (type == 0 || (FiltersByMode && type != symlink))
            {
                if (HostCalls.StatAt(descriptor, name, out HostStatx stat) != Errno.Success)
                    continue;
                type = (byte)((uint)stat.Mode >> 12);
                if (FiltersByMode && type != symlink && (stat.Mode & FileMode.OtherRead) == 0)
                    continue;
            }

            listing.Add(name, new InodeNumber(inode), type);
        }
    }

    /// <summary>A directory that shows only what has rules: each entry is looked up.</summary>
    private async KTask<Result<DirectorySnapshot>> ListRulesAsync(Task current, HostTreeRule rule)
    {
        var listing = new DirectorySnapshot();
        foreach ((FileName name, _) in rule.Children)
        {
            Result<Inode?> found = await LookupAsync(current, name);
            if (found is not { Ok: true, Value: { } inode })
                continue;
            listing.Add(name.Bytes, inode.Number, (byte)((uint)inode.Mode >> 12));
            inode.Put();
        }

        return listing;
    }

    /// <summary>On a deterministic machine: sorted, and numbered in that order where an entry is new.</summary>
    private DirectorySnapshot Discover(DirectorySnapshot listing)
    {
        listing.Sort();
        var numbered = new DirectorySnapshot();
        for (int i = 0; i < listing.Count; i++)
        {
            InodeNumber number = Super.DiscoverNumber(new HostFileId(Id.Device, listing.Inode(i).Value));
            numbered.Add(listing.Name(i), number, listing.Type(i));
        }

        return numbered;
    }
}
