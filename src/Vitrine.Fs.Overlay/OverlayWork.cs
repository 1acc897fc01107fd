using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Overlay;

/// <content>The work directory: where objects are made complete before they get their place.</content>
internal sealed partial class OverlaySuperBlock
{
    private readonly Dictionary<Inode, FileName> _temporaries = [];

    /// <summary>Makes an object in the work directory; the caller owns a reference and either moves or removes it.</summary>
    public async KTask<Result<Inode>> MakeInWorkAsync(Task current, FileMode mode, DeviceNumber device, byte[] target)
    {
        FileName name = NextTemporaryName();
        Inode work = Work;
        await work.Lock.LockAsync(current);
        Result<Inode> made = (mode & FileMode.TypeMask) switch
        {
            FileMode.Directory => await work.MakeDirectoryAsync(current, name, mode & FileMode.PermissionMask),
            FileMode.Symlink => await work.SymlinkAsync(current, name, target),
            FileMode.Regular => await work.CreateAsync(current, name, mode & FileMode.PermissionMask),
            _ => await work.MakeNodeAsync(current, name, mode, device),
        };
        work.Lock.Unlock(current);
        if (made.Ok)
            _temporaries.Add(made.Value, name);
        return made;
    }

    public FileName TemporaryNameOf(Inode inode) => _temporaries[inode];

    /// <summary>It has left the work directory.</summary>
    public void ForgetTemporary(Inode inode) => _temporaries.Remove(inode);

    /// <summary>Something else has taken its name in the work directory (an exchange).</summary>
    public void ReplaceTemporary(Inode inode, Inode by)
    {
        _temporaries.Remove(inode, out FileName name);
        _temporaries.Add(by, name);
    }

    public async KTask RemoveFromWorkAsync(Task current, Inode inode)
    {
        if (!_temporaries.Remove(inode, out FileName name))
            return;
        Inode work = Work;
        await work.Lock.LockAsync(current);

        // What can't be removed stays in the work directory, unseen.
        _ = inode.IsDirectory
            ? await work.RemoveDirectoryAsync(current, name, inode)
            : await work.UnlinkAsync(current, name, inode);
        work.Lock.Unlock(current);
    }
}
