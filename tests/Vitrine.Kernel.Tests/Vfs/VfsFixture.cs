using System.Text;
using Vitrine.Cpu;
using Vitrine.Fs.Tmpfs;
using Vitrine.Hardware;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;
using FileMode = Vitrine.Abi.FileMode;

namespace Vitrine.Kernel.Tests.Vfs;

/// <summary>A kernel with a tmpfs as its root and a task in it; at the end nothing may be left alive.</summary>
internal sealed class VfsFixture : IDisposable
{
    private readonly GuestRam _ram = GuestRam.Create(64 << 20);
    private readonly ProcessorComplex _complex;
    private readonly MountNamespace _mounts;

    public VfsFixture()
    {
        _complex = new ProcessorComplex(_ram.Memory);
        Kernel = new KernelInstance(new KernelOptions
        {
            Ram = _ram.Memory,
            RamDevice = _ram,
            Complex = _complex,
            Processors = [_complex.CreateProcessor()],
            Clock = new HostClock(),
            Entropy = new NoEntropy(),
        });
        Kernel.Lock.Enter();
        Kernel.FileSystems.Register(new TmpfsFileSystem());
        var creator = new Task(Kernel, NewGroup(), Root, null!, Kernel.RootCgroup);
        SuperBlock root = Now(new TmpfsFileSystem().MountAsync(creator, "tmpfs", MountFlags.None, "")).Value;
        root.Source = "tmpfs";
        _mounts = MountNamespace.Create(Kernel, root);
        Current = NewTask(Root);
        Current.Fs = VirtualFileSystem.CreateFsContext(_mounts);
        Current.Fs.Umask = FileMode.None;
        Current.Files = FdTable.Create(Kernel);
    }

    public KernelInstance Kernel { get; }

    public VirtualFileSystem Vfs => Kernel.Vfs;

    public Task Current { get; }

    public MountNamespace Mounts => _mounts;

    public Credentials Root => Credentials.ForUser(Kernel.InitUserNamespace, Uid.Root, Gid.Root, []);

    /// <summary>Gives the task the identity of an ordinary user.</summary>
    public void Become(uint id) => Current.Credentials = id == 0 ? Root : Credentials.ForUser(Kernel.InitUserNamespace, new Uid(id), new Gid(id), []);

    /// <summary>Another process that shares nothing but the tree.</summary>
    public Task NewTask(Credentials credentials)
    {
        var task = new Task(Kernel, NewGroup(), credentials, Kernel.InitialNamespaces with { Mount = _mounts }, Kernel.RootCgroup);
        task.ThreadGroup.Leader = task;
        return task;
    }

    /// <summary>The value of a path that must not wait.</summary>
    public static T Now<T>(KTask<T> path)
    {
        Assert.True(path.IsCompleted);
        return path.GetAwaiter().GetResult();
    }

    public static void Now(KTask path)
    {
        Assert.True(path.IsCompleted);
        path.GetAwaiter().GetResult();
    }

    public PathName Name(string text) => Vfs.Names.Make(Encoding.UTF8.GetBytes(text)).Value;

    public Errno MkDir(string path, uint mode = 0x1ED) => Now(Vfs.MakeDirectoryAsync(Current, path, (FileMode)mode));

    public Errno Symlink(string target, string path) => Now(Vfs.SymlinkAsync(Current, target, path));

    public Errno Unlink(string path)
    {
        using PathName name = Name(path);
        return Now(Vfs.UnlinkAsync(Current, Fd.Cwd, name));
    }

    public Errno RmDir(string path)
    {
        using PathName name = Name(path);
        return Now(Vfs.RemoveDirectoryAsync(Current, Fd.Cwd, name));
    }

    public Errno Rename(string from, string to, RenameFlags flags = RenameFlags.None)
    {
        using PathName oldName = Name(from);
        using PathName newName = Name(to);
        return Now(Vfs.RenameAsync(Current, Fd.Cwd, oldName, Fd.Cwd, newName, flags));
    }

    public Errno Link(string from, string to)
    {
        Result<VfsPath> source = Now(Vfs.LookUpAsync(Current, from, WalkFlags.None));
        if (!source.Ok)
            return source.Error;
        using PathName name = Name(to);
        Errno error = Now(Vfs.CreateEntryAsync(Current, Fd.Cwd, name, NewEntry.HardLink(source.Value.Dentry.Inode!), source.Value.Mount));
        source.Value.Put();
        return error;
    }

    /// <summary>Opens; the caller puts the file.</summary>
    public Result<OpenFile> Open(string path, OpenFlags flags = OpenFlags.ReadOnly, uint mode = 0x1A4) => Now(Vfs.OpenAsync(Current, path, flags, (FileMode)mode));

    public Errno TryOpen(string path, OpenFlags flags = OpenFlags.ReadOnly, uint mode = 0x1A4)
    {
        Result<OpenFile> file = Open(path, flags, mode);
        if (file.Ok)
            file.Value.Put();
        return file.Error;
    }

    public void Write(string path, string text)
    {
        OpenFile file = Open(path, OpenFlags.WriteOnly | OpenFlags.Create | OpenFlags.Truncate).Value;
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Assert.Equal(bytes.Length, Now(Vfs.WriteAtPositionAsync(Current, file, new KernelIovIter(bytes))).Value);
        file.Put();
    }

    public string Read(string path)
    {
        OpenFile file = Open(path).Value;
        byte[] bytes = new byte[4096];
        long count = Now(Vfs.ReadAtPositionAsync(Current, file, new KernelIovIter(bytes))).Value;
        file.Put();
        return Encoding.UTF8.GetString(bytes, 0, (int)count);
    }

    /// <summary>Resolves a path and says where it leads, or why not.</summary>
    public string Where(string path, WalkFlags flags = WalkFlags.Follow)
    {
        Result<VfsPath> place = Now(Vfs.LookUpAsync(Current, path, flags));
        if (!place.Ok)
            return place.Error.ToString();
        string text = Encoding.UTF8.GetString(PathText.Of(place.Value, Current.Fs!.Root));
        place.Value.Put();
        return text;
    }

    public VfsPath Place(string path) => Now(Vfs.LookUpAsync(Current, path)).Value;

    public KernelStat Stat(string path)
    {
        VfsPath place = Now(Vfs.LookUpAsync(Current, path, WalkFlags.None)).Value;
        KernelStat stat = Now(Vfs.GetAttributesAsync(Current, place, StatxMask.BasicStats)).Value;
        place.Put();
        return stat;
    }

    public Errno Mount(string target, string options = "", MountFlags flags = MountFlags.None) =>
        Now(Vfs.MountAsync(Current, "tmpfs", "tmpfs", target, flags, options));

    public Errno Unmount(string target, UnmountFlags flags = UnmountFlags.None)
    {
        VfsPath place = Place(target);
        place.Dentry.Put();
        Errno error = place.Dentry == place.Mount.Root ? Vfs.Unmount(Current, place.Mount, flags, held: 1) : Errno.EINVAL;
        place.Mount.PutUnused();
        return error;
    }

    public string MountInfo()
    {
        var text = new StringBuilder();
        MountTable.WriteMountInfo(text, Current.Namespaces.Mount, Current.Fs!.Root);
        return text.ToString();
    }

    public void Dispose()
    {
        Now(Current.Files!.PutAsync(Current));
        Current.Fs!.Put();
        _mounts.Put();
        Vfs.Shutdown();
        Assert.Equal(0, Kernel.Audit.LiveFiles);
        Assert.Equal(0, Kernel.Audit.LiveMounts);
        Assert.Equal(0, Kernel.Audit.LiveSuperBlocks);
        Assert.Equal(0, Kernel.Audit.LiveDescriptorTables);
        Assert.Equal(0, Kernel.Dentries.Count);
        Assert.Equal(0, Kernel.Dentries.Unreferenced);
        Assert.Equal(0, Vfs.Locks.Count);
        Assert.Equal(0, Kernel.RootCgroup.KernelMemory);
        Kernel.Lock.Exit();
        _complex.Dispose();
        _ram.Dispose();
    }

    private ThreadGroup NewGroup()
    {
        var group = new ThreadGroup(Kernel);
        Array.Fill(group.Limits, RLimit.Unlimited);
        group.Limits[(int)ResourceLimit.NoFile] = new RLimit(1024, 4096);
        return group;
    }

    private sealed class NoEntropy : IEntropyDevice
    {
        public void Fill(Span<byte> buffer) => buffer.Clear();
    }
}
