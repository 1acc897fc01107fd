using System.Globalization;
using System.Text;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Devpts;

/// <summary>The one directory of an instance. Nobody but the kernel makes or removes names in it.</summary>
internal sealed class DevptsRoot : Inode
{
    private const ulong RootInode = 1;
    private const FileMode RootMode = FileMode.Directory | (FileMode)0x1ed;

    private readonly DevptsSuperBlock _super;

    public DevptsRoot(DevptsSuperBlock superBlock)
        : base(superBlock, new InodeNumber(RootInode), RootMode)
    {
        _super = superBlock;
        LinkCount = 2;
        AccessTime = ModificationTime = ChangeTime = superBlock.Kernel.Time.RealtimeTimespec;
    }

    public override KTask<Result<Inode?>> LookupAsync(Task current, FileName name)
    {
        DevptsNode? found = null;
        if (name.Bytes.SequenceEqual("ptmx"u8))
            found = _super.Multiplexer;
        else if (ParseNumber(name.Bytes) is { } number)
            found = _super.Find(number);
        return KTask<Result<Inode?>>.FromResult((Result<Inode?>)found?.Get());
    }

    public override KTask<Result<OpenFile>> OpenAsync(Task current, VfsPath path, OpenFlags flags) =>
        KTask<Result<OpenFile>>.FromResult(new DevptsDirectoryFile(path, this, flags, _super));

    public override KTask<Errno> SetAttributesAsync(Task current, InodeAttributes changes)
    {
        if ((changes.Mask & AttributeMask.Size) != 0)
            return Fail(Errno.EISDIR);
        ApplyAttributes(changes);
        return Fail(Errno.Success);
    }

    /// <summary>A number as the kernel writes it: no sign, no leading zero.</summary>
    private static int? ParseNumber(ReadOnlySpan<byte> text)
    {
        if (text.Length is 0 or > 7 || (text[0] == '0' && text.Length > 1))
            return null;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) ? number : null;
    }
}

/// <summary>Its open file: ".", "..", ptmx, then the slaves by number.</summary>
internal sealed class DevptsDirectoryFile(VfsPath path, Inode inode, OpenFlags flags, DevptsSuperBlock superBlock) : DirectoryFile(path, inode, flags)
{
    private const byte DeviceType = 2;
    private const int FirstSlave = 3;

    public override KTask<Errno> IterateAsync(Task current, DirectoryEmitter emitter)
    {
        if (!EmitDots(emitter, Path.Dentry.Parent?.Inode ?? Inode))
            return Fail(Errno.Success);
        if (Position == 2 && !Emit(emitter, "ptmx"u8, superBlock.Multiplexer.Number, DeviceType, FirstSlave))
            return Fail(Errno.Success);
        foreach (KeyValuePair<int, DevptsNode> node in superBlock.Nodes)
        {
            if (node.Key < Position - FirstSlave)
                continue;
            byte[] name = Encoding.ASCII.GetBytes(node.Key.ToString(CultureInfo.InvariantCulture));
            if (!Emit(emitter, name, node.Value.Number, DeviceType, node.Key + FirstSlave + 1))
                break;
        }

        return Fail(Errno.Success);
    }
}
