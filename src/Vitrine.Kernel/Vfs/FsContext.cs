namespace Vitrine.Kernel.Vfs;

/// <summary>Root, working directory and umask: shared by CLONE_FS, counted (fs_struct's twin).</summary>
internal sealed class FsContext
{
    private int _users = 1;

    /// <summary>Takes references on both places.</summary>
    public FsContext(VfsPath root, VfsPath workingDirectory, FileMode umask)
    {
        Root = root.Get();
        WorkingDirectory = workingDirectory.Get();
        Umask = umask;
    }

    public VfsPath Root { get; private set; }

    public VfsPath WorkingDirectory { get; private set; }

    /// <summary>Permission bits that new files don't get.</summary>
    public FileMode Umask { get; set; }

    /// <summary>Tasks that share it.</summary>
    public int Users => _users;

    public FsContext Get()
    {
        _users++;
        return this;
    }

    public void Put()
    {
        if (--_users > 0)
            return;
        Root.Put();
        WorkingDirectory.Put();
        Root = WorkingDirectory = default;
    }

    public FsContext Copy() => new(Root, WorkingDirectory, Umask);

    public void SetRoot(VfsPath root)
    {
        VfsPath old = Root;
        Root = root.Get();
        old.Put();
    }

    public void SetWorkingDirectory(VfsPath directory)
    {
        VfsPath old = WorkingDirectory;
        WorkingDirectory = directory.Get();
        old.Put();
    }
}
