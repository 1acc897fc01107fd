using System.Text;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Fs.Overlay;

/// <summary>The file system type "overlay".</summary>
internal sealed class OverlayFileSystem : FileSystemType
{
    public override string Name => "overlay";

    public override Errno CheckOption(Task current, string option) => OverlayOptions.Parse(option).Error;

    /// <summary>As mount(2) asks: trees by their paths, seen from the caller.</summary>
    public override async KTask<Result<SuperBlock>> MountAsync(Task current, string source, MountFlags flags, string options)
    {
        if (!OverlayOptions.Parse(options).TryGet(out OverlayOptions? parsed, out Errno error))
            return error;
        var lowers = new List<VfsPath>();
        VfsPath upper = default;
        VfsPath work = default;
        foreach (string path in parsed.Lowers)
        {
            Result<VfsPath> found = await FindAsync(current, path);
            if (!found.Ok)
            {
                error = found.Error;
                break;
            }

            lowers.Add(found.Value);
        }

        if (error == Errno.Success && parsed.Upper is not null)
        {
            Result<VfsPath> foundUpper = await FindAsync(current, parsed.Upper);
            Result<VfsPath> foundWork = foundUpper.Ok ? await FindAsync(current, parsed.Work!) : foundUpper.Error;
            error = foundWork.Error;
            upper = foundUpper.Ok ? foundUpper.Value : default;
            work = foundWork.Ok ? foundWork.Value : default;
        }

        Result<SuperBlock> result = error != Errno.Success ? error : await MakeAsync(current, source, lowers, upper, work, parsed, options);
        foreach (VfsPath path in lowers)
            path.Put();
        upper.Put();
        work.Put();
        return result;
    }

    private async KTask<Result<SuperBlock>> MakeAsync(Task current, string source, List<VfsPath> lowers, VfsPath upper, VfsPath work, OverlayOptions options, string text)
    {
        VfsPath workDirectory = default;
        if (!work.IsNone)
        {
            // Below the given directory, so that what an earlier mount left there is not taken for ours.
            Result<VfsPath> made = await MakeWorkDirectoryAsync(current, work);
            if (!made.Ok)
                return made.Error;
            workDirectory = made.Value;
        }

        Result<OverlaySuperBlock> created = OverlaySuperBlock.Create(
            current.Kernel, this, lowers, upper, workDirectory, options.UserXattrs, current.Credentials, text.Length == 0 ? "" : "," + text);
        workDirectory.Put();
        if (!created.Ok)
            return created.Error;
        created.Value.Source = source;
        return created.Value;
    }

    private static async KTask<Result<VfsPath>> MakeWorkDirectoryAsync(Task current, VfsPath work)
    {
        FileName name = FileName.FromString("work");
        Inode directory = work.Dentry.Inode!;
        if (!directory.IsDirectory)
            return Errno.ENOTDIR;
        Result<Dentry> found = await current.Kernel.Vfs.LookUpAsync(current, work.Dentry, name);
        if (!found.TryGet(out Dentry? dentry, out Errno error))
            return error;
        if (dentry.Inode is null)
        {
            await directory.Lock.LockAsync(current);
            Result<Inode> made = await directory.MakeDirectoryAsync(current, name, default);
            directory.Lock.Unlock(current);
            if (!made.Ok)
            {
                dentry.Put();
                return made.Error;
            }

            current.Kernel.Dentries.Instantiate(dentry, made.Value);
        }

        var path = new VfsPath(work.Mount, dentry);
        work.Mount.Get();
        return path;
    }

    private static async KTask<Result<VfsPath>> FindAsync(Task current, string path)
    {
        VirtualFileSystem vfs = current.Kernel.Vfs;
        Result<PathName> made = vfs.Names.Make(Encoding.UTF8.GetBytes(path));
        if (!made.Ok)
            return made.Error;
        using PathName name = made.Value;
        return await vfs.LookUpPathAsync(current, Fd.Cwd, name, WalkFlags.Follow | WalkFlags.Directory);
    }
}
