using System.Globalization;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;
using Vitrine.Kernel.Vfs.Generated;

namespace Vitrine.Fs.Proc.Process;

/// <summary>/proc/PID/fd (links) and /proc/PID/fdinfo (texts): an entry per open descriptor.</summary>
internal sealed class DescriptorsDirectory(ProcessContext context, bool info) : GeneratedDirectory(context.SuperBlock, (FileMode)0x140)
{
    public override bool IsStillValid => context.IsAlive;

    public override KTask<Errno> PermissionAsync(Task current, AccessMask mask)
    {
        // A process may always look at its own, even after it has dropped the ids that own them.
        if (current.ThreadGroup == context.Task.ThreadGroup)
            return Fail(Errno.Success);
        return ProcessAccess.MayRead(current, context.Task) ? base.PermissionAsync(current, mask) : Fail(Errno.EACCES);
    }

    protected override GeneratedInode? Find(Task current, FileName name)
    {
        if (ProcRoot.ParseNumber(name) is not { } number || context.Task.Files?.Peek(new Fd(number)) is not { } file)
            return null;
        GeneratedInode inode = info ? new DescriptorInfo(context, number) : new DescriptorLink(context, number, file);
        inode.Uid = Uid;
        inode.Gid = Gid;
        return inode;
    }

    public override void List(Task current, GeneratedListing listing)
    {
        FdTable? files = context.Task.Files;
        for (int fd = files?.NextOpen(0) ?? -1; fd >= 0; fd = files!.NextOpen(fd + 1))
        {
            InodeNumber inode = new((ProcessDirectory.InodeOf(context.Task).Value << 4) + (info ? 0x80000000ul : 0) + (ulong)fd);
            listing.Add(2 + fd, fd.ToString(CultureInfo.InvariantCulture), inode, info ? FileMode.Regular : FileMode.Symlink);
        }
    }
}

/// <summary>/proc/PID/fd/N: a link with the descriptor's access as its mode.</summary>
internal sealed class DescriptorLink : GeneratedInode
{
    private readonly ProcessContext _context;
    private readonly int _number;

    public DescriptorLink(ProcessContext context, int number, OpenFile file)
        : base(context.SuperBlock, ModeOf(file))
    {
        _context = context;
        _number = number;
        // What ls -l shows; the text itself may be longer.
        Size = 64;
    }

    public override bool IsEphemeral => true;

    public override bool IsStillValid => _context.IsAlive && File is { } file && ModeOf(file) == Mode;

    private OpenFile? File => _context.Task.Files?.Peek(new Fd(_number));

    public override KTask<Result<byte[]>> ReadLinkAsync(Task current) =>
        File is { } file ? KTask<Result<byte[]>>.FromResult(PathText.Of(file.Path, current.Fs!.Root)) : Fail<byte[]>(Errno.ENOENT);

    public override KTask<Result<VfsPath?>> FollowMagicLinkAsync(Task current)
    {
        if (!ProcessAccess.MayRead(current, _context.Task))
            return Fail<VfsPath?>(Errno.EACCES);
        if (File is not { } file)
            return Fail<VfsPath?>(Errno.ENOENT);
        file.Path.Get();
        return KTask<Result<VfsPath?>>.FromResult((VfsPath?)file.Path);
    }

    private static FileMode ModeOf(OpenFile file) =>
        FileMode.Symlink | (file.CanRead ? (FileMode)0x140 : FileMode.None) | (file.CanWrite ? (FileMode)0xc0 : FileMode.None);
}

/// <summary>/proc/PID/fdinfo/N.</summary>
internal sealed class DescriptorInfo(ProcessContext context, int number) : TextInode(context.SuperBlock, ReadOnlyMode)
{
    public override bool IsStillValid => context.IsAlive && context.Task.Files?.Peek(new Fd(number)) is not null;

    public override KTask<Errno> GenerateAsync(Task current, OpenFile file, GeneratedText text)
    {
        FdTable? files = context.Task.Files;
        if (files?.Peek(new Fd(number)) is not { } target)
            return Fail(Errno.ENOENT);
        uint flags = (uint)target.Flags | (files.IsCloseOnExec(new Fd(number)) ? (uint)OpenFlags.CloseOnExec : 0);
        text.Append("pos:\t").Append(target.Position).Append("\nflags:\t0").Append(Convert.ToString(flags, 8));
        text.Append("\nmnt_id:\t").Append(target.Path.Mount.Id).Append("\nino:\t").Append(target.Inode.Number.Value).Append('\n');
        text.Append(target.ShowInformation());
        return Fail(Errno.Success);
    }
}
