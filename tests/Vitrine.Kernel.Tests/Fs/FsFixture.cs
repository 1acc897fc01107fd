using System.Text;
using Vitrine.Cpu;
using Vitrine.Fs.Overlay;
using Vitrine.Fs.Tmpfs;
using Vitrine.Hardware;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;
using FileMode = Vitrine.Abi.FileMode;

namespace Vitrine.Kernel.Tests.Fs;

/// <summary>
/// A kernel with RAM and no running processor, and file systems used as the VFS uses them: names are found in
/// directories one by one, under the locks the VFS would hold. At the end nothing may be left.
/// </summary>
internal sealed class FsFixture : IDisposable
{
    private readonly GuestRam _ram;
    private readonly ProcessorComplex _complex;
    private readonly List<SuperBlock> _mounted = [];
    private readonly long _freeAtStart;

    public FsFixture(ulong megabytes = 64)
    {
        _ram = GuestRam.Create(megabytes << 20);
        _complex = new ProcessorComplex(_ram.Memory);
        VirtualProcessor processor = _complex.CreateProcessor();
        Kernel = new KernelInstance(new KernelOptions
        {
            Ram = _ram.Memory,
            RamDevice = _ram,
            Complex = _complex,
            Processors = [processor],
            Clock = new HostClock(),
            Entropy = new ZeroEntropy(),
        });
        Kernel.Lock.Enter();
        Current = new Task(Kernel, new ThreadGroup(Kernel), Credentials.ForUser(Kernel.InitUserNamespace, Uid.Root, Gid.Root, []), null!, Kernel.RootCgroup);
        Current.State = Sched.TaskState.Running;
        Array.Fill(Current.ThreadGroup.Limits, new RLimit(RLimit.Infinity, RLimit.Infinity));
        _freeAtStart = Kernel.Memory.FreeFrames;
    }

    public KernelInstance Kernel { get; }

    public Task Current { get; }

    /// <summary>The value of a path that must not wait, or that waits for host work only.</summary>
    public T Run<T>(KTask<T> path)
    {
        T result = default!;
        bool done = false;
        if (path.IsCompleted)
            return path.GetAwaiter().GetResult();
        KTaskAwaiter<T> awaiter = path.GetAwaiter();
        awaiter.UnsafeOnCompleted(() =>
        {
            result = awaiter.GetResult();
            done = true;
        });
        Pump(() => done);
        return result;
    }

    public void Run(KTask path)
    {
        bool done = false;
        KTaskAwaiter awaiter = path.GetAwaiter();
        if (path.IsCompleted)
        {
            awaiter.GetResult();
            return;
        }

        awaiter.UnsafeOnCompleted(() =>
        {
            awaiter.GetResult();
            done = true;
        });
        Pump(() => done);
    }

    public TmpfsSuperBlock NewTmpfs(string options = "") => Mounted((TmpfsSuperBlock)Run(new TmpfsFileSystem().MountAsync(Current, "tmpfs", MountFlags.None, options)).Value);

    /// <summary>An overlay over lower trees (topmost first) with a new tmpfs as its upper tree.</summary>
    public OverlaySuperBlock NewOverlay(TmpfsSuperBlock upper, params SuperBlock[] lowers)
    {
        Dentry upperRoot = DirectoryDentry(upper, "upper");
        Dentry work = DirectoryDentry(upper, "work");
        var lowerPaths = new List<VfsPath>();
        foreach (SuperBlock lower in lowers)
            lowerPaths.Add(new VfsPath(null!, lower.Root));
        Result<OverlaySuperBlock> made = OverlaySuperBlock.Create(Kernel, new OverlayFileSystem(), lowerPaths, new VfsPath(null!, upperRoot), new VfsPath(null!, work));
        upperRoot.Put();
        work.Put();
        return Mounted(made.Value);
    }

    public T Mounted<T>(T super)
        where T : SuperBlock
    {
        Kernel.Vfs.AddSuperBlock(super);
        super.ActiveMounts++;
        _mounted.Add(super);
        return super;
    }

    public void Unmount(SuperBlock super)
    {
        if (_mounted.Remove(super))
            super.PutMount();
    }

    private Dentry DirectoryDentry(SuperBlock super, string name)
    {
        FileName fileName = FileName.FromString(name);
        Dentry dentry = Run(Kernel.Vfs.LookUpAsync(Current, super.Root, fileName)).Value;
        if (dentry.Inode is null)
        {
            Inode root = super.Root.Inode!;
            Inode made = Run(root.MakeDirectoryAsync(Current, fileName, (FileMode)0x1ED)).Value;
            Kernel.Dentries.Instantiate(dentry, made);
        }

        return dentry;
    }

    public static FileName Name(string name) => FileName.FromString(name);

    public static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    /// <summary>Finds an entry; the caller puts it. Null: there is none.</summary>
    public Inode? Find(Inode directory, string name)
    {
        Run(directory.Lock.LockAsync(Current));
        Result<Inode?> found = Run(directory.LookupAsync(Current, Name(name)));
        directory.Lock.Unlock(Current);
        Assert.Equal(Errno.Success, found.Error);
        return found.Value;
    }

    /// <summary>Walks a path of names; the caller puts what is found. Fails the test if something is missing.</summary>
    public Inode Walk(SuperBlock super, string path)
    {
        Inode at = super.Root.Inode!.Get();
        foreach (string name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            Inode? next = Find(at, name);
            at.Put();
            Assert.True(next is not null, $"{name} of {path} is missing");
            at = next!;
        }

        return at;
    }

    public bool Exists(SuperBlock super, string path)
    {
        int slash = path.LastIndexOf('/');
        Inode directory = Walk(super, slash < 0 ? "" : path[..slash]);
        Inode? found = Find(directory, path[(slash + 1)..]);
        directory.Put();
        found?.Put();
        return found is not null;
    }

    public T InDirectory<T>(Inode directory, Func<KTask<T>> operation)
    {
        Run(directory.Lock.LockAsync(Current));
        T result = Run(operation());
        directory.Lock.Unlock(Current);
        return result;
    }

    public Inode Create(Inode directory, string name, uint mode = 0x1A4) =>
        InDirectory(directory, () => directory.CreateAsync(Current, Name(name), (FileMode)mode)).Value;

    public Inode MakeDirectory(Inode directory, string name, uint mode = 0x1ED) =>
        InDirectory(directory, () => directory.MakeDirectoryAsync(Current, Name(name), (FileMode)mode)).Value;

    public Errno Unlink(Inode directory, string name)
    {
        Inode victim = Find(directory, name)!;
        Errno error = InDirectory(directory, () => directory.UnlinkAsync(Current, Name(name), victim));
        victim.Put();
        return error;
    }

    public Errno RemoveDirectory(Inode directory, string name)
    {
        Inode victim = Find(directory, name)!;
        Errno error = InDirectory(directory, () => directory.RemoveDirectoryAsync(Current, Name(name), victim));
        victim.Put();
        return error;
    }

    public Errno Link(Inode target, Inode directory, string name) =>
        InDirectory(directory, () => directory.LinkAsync(Current, target, Name(name)));

    public Errno Rename(Inode from, string oldName, Inode to, string newName, RenameFlags flags = RenameFlags.None)
    {
        Inode source = Find(from, oldName)!;
        Inode? target = Find(to, newName);
        Run(from.Lock.LockAsync(Current));
        if (to != from)
            Run(to.Lock.LockAsync(Current));
        Errno error = Run(from.RenameAsync(Current, Name(oldName), source, to, Name(newName), target, flags));
        if (to != from)
            to.Lock.Unlock(Current);
        from.Lock.Unlock(Current);
        source.Put();
        target?.Put();
        return error;
    }

    public OpenFile Open(Inode inode, OpenFlags flags = OpenFlags.ReadOnly)
    {
        OpenFile file = Run(inode.OpenAsync(Current, new VfsPath(null!, inode.SuperBlock.Root), flags | OpenFlags.LargeFile)).Value;
        Assert.Equal(Errno.Success, file.Account(Current));
        return file;
    }

    public void Write(Inode inode, long offset, byte[] data)
    {
        OpenFile file = Open(inode, OpenFlags.ReadWrite);
        Assert.Equal(data.Length, Run(file.WriteAsync(Current, new KernelIovIter(data), offset)).Value);
        file.Put();
    }

    public byte[] Read(OpenFile file, long offset, int length)
    {
        byte[] buffer = new byte[length];
        int done = 0;
        while (done < length)
        {
            Result<long> read = Run(file.ReadAsync(Current, new KernelIovIter(buffer.AsMemory(done)), offset + done));
            Assert.Equal(Errno.Success, read.Error);
            if (read.Value == 0)
                break;
            done += (int)read.Value;
        }

        return buffer[..done];
    }

    public byte[] ReadAll(Inode inode)
    {
        OpenFile file = Open(inode);
        byte[] data = Read(file, 0, (int)inode.Size + 1);
        file.Put();
        return data;
    }

    public string ReadText(SuperBlock super, string path)
    {
        Inode inode = Walk(super, path);
        string text = Encoding.UTF8.GetString(ReadAll(inode));
        inode.Put();
        return text;
    }

    public Errno Change(Inode inode, InodeAttributes changes)
    {
        changes.Mask |= AttributeMask.ChangeTime;
        changes.ChangeTime = Kernel.Time.RealtimeTimespec;
        return InDirectory(inode, () => inode.SetAttributesAsync(Current, changes));
    }

    public Errno Truncate(Inode inode, long size) => Change(inode, new InodeAttributes { Mask = AttributeMask.Size, Size = size });

    public KernelStat Stat(Inode inode) => Run(inode.GetAttributesAsync(Current, StatxMask.BasicStats)).Value;

    /// <summary>The names of a directory but "." and "..", in its order.</summary>
    public List<(string Name, ulong Inode, byte Type)> List(Inode directory)
    {
        OpenFile file = Open(directory, OpenFlags.ReadOnly | OpenFlags.Directory);
        var emitter = new ListEmitter(7);
        do
        {
            emitter.Room = 7;
            Run(directory.Lock.LockAsync(Current));
            Assert.Equal(Errno.Success, Run(file.IterateAsync(Current, emitter)));
            directory.Lock.Unlock(Current);
        }
        while (emitter.Room < 7);
        file.Put();
        Assert.Equal(".", emitter.Entries[0].Name);
        Assert.Equal("..", emitter.Entries[1].Name);
        return emitter.Entries[2..];
    }

    public List<string> Names(Inode directory)
    {
        var names = new List<string>();
        foreach ((string name, _, _) in List(directory))
            names.Add(name);
        names.Sort(StringComparer.Ordinal);
        return names;
    }

    public void Dispose()
    {
        // A test that fails in the middle leaves things open; its own failure is what counts.
        if (System.Runtime.InteropServices.Marshal.GetExceptionPointers() != 0)
            return;
        for (int i = _mounted.Count - 1; i >= 0; i--)
            Unmount(_mounted[i]);
        Assert.Equal(0, Kernel.Audit.LiveFiles);
        Assert.Equal(0, Kernel.Audit.LiveSuperBlocks);
        Assert.Equal(0, Kernel.Audit.LiveInodes);
        Assert.Equal(0, Kernel.Audit.LiveHostHandles);
        Assert.Equal(_freeAtStart, Kernel.Memory.FreeFrames);
        Assert.Equal(0, Kernel.RootCgroup.KernelMemory);
        Kernel.Lock.Exit();
        Current.ReleaseUnlessRunning();
        _complex.Dispose();
        Kernel.Memory.Dispose();
        _ram.Dispose();
    }

    /// <summary>Runs completions of host work until the condition holds.</summary>
    private void Pump(Func<bool> done)
    {
        var deadline = System.Diagnostics.Stopwatch.StartNew();
        while (!done())
        {
            Kernel.Interrupts.Drain();
            if (Kernel.Scheduler.PickNext(Kernel.Processors[0]) is { } task && task.TakeContinuation() is { } continuation)
                continuation();
            else
                Thread.Yield();
            Assert.True(deadline.Elapsed < TimeSpan.FromSeconds(20), "a path waits for something that does not come");
        }
    }

    private sealed class ListEmitter(int room) : DirectoryEmitter
    {
        public List<(string Name, ulong Inode, byte Type)> Entries { get; } = [];

        public int Room { get; set; } = room;

        public override bool Emit(ReadOnlySpan<byte> name, InodeNumber inode, byte type, long nextOffset)
        {
            if (Room == 0)
                return false;
            Room--;
            Entries.Add((Encoding.UTF8.GetString(name), inode.Value, type));
            return true;
        }
    }

    private sealed class ZeroEntropy : IEntropyDevice
    {
        public void Fill(Span<byte> destination) => destination.Clear();
    }
}
