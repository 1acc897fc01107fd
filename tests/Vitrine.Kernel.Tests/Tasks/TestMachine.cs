using System.Text;
using Vitrine.Cpu;
using Vitrine.Fs.Tmpfs;
using Vitrine.Hardware;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Syscalls.Process;
using Vitrine.Kernel.Syscalls.Tracing;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;
using FileMode = Vitrine.Abi.FileMode;

namespace Vitrine.Kernel.Tests.Tasks;

/// <summary>
/// A whole machine with running processors over an empty tmpfs: files are put in, one program is run by a small process 1,
/// and its output and wait status come out.
/// </summary>
internal sealed class TestMachine : IDisposable
{
    private readonly GuestRam _ram;
    private readonly ProcessorComplex _complex;
    private readonly List<(string Path, byte[] Bytes)> _files = [];
    private readonly ManualResetEventSlim _ended = new(false);
    private readonly StringBuilder _output = new();
    private string[] _arguments = [];
    private string[] _environment = [];
    private Credentials? _credentials;
    private Task? _main;

    public TestMachine(int megabytes = 64, int processors = 1, ulong? yieldSeed = null)
    {
        _ram = GuestRam.Create((ulong)megabytes << 20);
        _complex = new ProcessorComplex(_ram.Memory);
        var clock = new HostClock();
        _complex.TimeStamp = () => (ulong)clock.MonotonicNanoseconds;
        var cpus = new VirtualProcessor[processors];
        for (int i = 0; i < processors; i++)
            cpus[i] = _complex.CreateProcessor();
        Kernel = new KernelInstance(new KernelOptions
        {
            Ram = _ram.Memory,
            RamDevice = _ram,
            Complex = _complex,
            Processors = cpus,
            Clock = clock,
            Entropy = new HostEntropy(),
            YieldSeed = yieldSeed,
        });
        Kernel.FileSystems.Register(new TmpfsFileSystem());
        Kernel.Halted = _ => _ended.Set();
    }

    public KernelInstance Kernel { get; }

    /// <summary>The main program's wait status.</summary>
    public int WaitStatus { get; private set; } = -1;

    public Errno ExecError { get; private set; }

    public string Output => _output.ToString();

    public List<string> Trace { get; } = [];

    /// <summary>Told of everything the program writes, under the kernel lock.</summary>
    public Action<string>? OutputWritten { get; set; }

    public void AddFile(string path, byte[] bytes) => _files.Add((path, bytes));

    /// <summary>Runs the program to its end; the machine is halted then.</summary>
    public int Run(string[] arguments, string[]? environment = null, bool trace = false, uint uid = 0, int timeoutSeconds = 180)
    {
        _arguments = arguments;
        _environment = environment ?? [];
        if (trace)
            Kernel.Observer = new StraceObserver(line => Trace.Add(line));
        _credentials = Credentials.ForUser(Kernel.InitUserNamespace, new Uid(uid), new Gid(uid), []);
        Kernel.Lock.Enter();
        Kernel.Tasks.StartKernelThread("init", InitAsync);
        Kernel.Lock.Exit();
        foreach (Processor processor in Kernel.Processors)
            processor.Start();
        if (!_ended.Wait(timeoutSeconds * 1000))
        {
            Kernel.Halt(new TimeoutException("the program did not end"));
        }

        foreach (Processor processor in Kernel.Processors)
            Assert.True(processor.Join(TimeSpan.FromSeconds(30)));
        if (Kernel.PanicCause is { } cause)
            throw new InvalidOperationException(cause.ToString() + "\n" + string.Join('\n', Trace) + "\n" + Output, cause);
        Kernel.Lock.Enter();
        string? leaks = LeakAudit.Run(Kernel);
        Kernel.Lock.Exit();
        Assert.Null(leaks);
        return WaitStatus;
    }

    public void Dispose()
    {
        Kernel.Tick.Dispose();
        _ = Kernel.ReleaseHostResources(TimeSpan.FromSeconds(10));
        Kernel.CloseToInterrupts();
        foreach (Processor processor in Kernel.Processors)
            processor.Cpu.Dispose();
        _complex.Dispose();
        Kernel.Memory.Dispose();
        _ram.Dispose();
    }

    private async KTask InitAsync(Task current)
    {
        if (_main is null)
        {
            Errno failed = await BootAsync(current);
            if (failed != Errno.Success)
            {
                Kernel.Halt(new InvalidOperationException($"the test machine did not boot: {failed}"));
                return;
            }
        }

        for (; ; )
        {
            Result<WaitedChild?> waited = await ChildWait.WaitAsync(current, new WaitSelector(WaitIdType.All, null, WaitOptions.Exited | WaitOptions.All));
            if (!waited.TryGet(out WaitedChild? child, out Errno error))
            {
                if (error == Errno.ECHILD)
                    break;
                return;
            }

            if (child is not null && child.Pid == _mainPid)
            {
                WaitStatus = child.WaitStatus;
                Kernel.Tasks.KillAll();
            }
        }

        Shutdown(current);
        Kernel.Halt();
    }

    private int _mainPid;

    private static void Shutdown(Task current)
    {
        FsContext fs = current.Fs!;
        current.Fs = null;
        fs.Put();
    }

    private async KTask<Errno> BootAsync(Task current)
    {
        Errno error = await Kernel.Vfs.MountRootAsync(current, "tmpfs", "tmpfs", MountFlags.None, "mode=755");
        if (error != Errno.Success)
            return error;
        Mount root = current.Namespaces.Mount.Root!;
        var place = new VfsPath(root, root.Root);
        current.Fs = new FsContext(place, place, FileMode.None);
        _ = await Kernel.Vfs.MakeDirectoryAsync(current, "/tmp", (FileMode)0x3ff);
        foreach ((string path, byte[] bytes) in _files)
        {
            Result<OpenFile> made = await Kernel.Vfs.OpenAsync(current, path, OpenFlags.Create | OpenFlags.WriteOnly, (FileMode)0x1ed);
            if (!made.TryGet(out OpenFile? file, out error))
                return error;
            for (int at = 0; at < bytes.Length;)
            {
                Result<long> written = await file.WriteAsync(current, new KernelIovIter(bytes.AsMemory(at)), at);
                if (!written.TryGet(out long count, out error))
                    return error;
                at += (int)count;
            }

            file.Put();
        }

        Result<Task> started = Kernel.Tasks.StartUserProcess(current, "main", _credentials!, MainAsync);
        if (!started.TryGet(out _main, out error))
            return error;
        _mainPid = _main.Tid;
        return Errno.Success;
    }

    private async KTask<Errno> MainAsync(Task current)
    {
        Mount root = current.Namespaces.Mount.Root!;
        var place = new VfsPath(root, root.Root);
        current.Fs = new FsContext(place, place, (FileMode)0x12);
        current.Files = FdTable.Create(Kernel);
        for (int i = 0; i < 3; i++)
        {
            var file = new Capture(Kernel, this);
            _ = file.Account(current);
            if (!current.Files.Install(current, file, closeOnExec: false).Ok)
                return Errno.EMFILE;
        }

        List<byte[]> arguments = [.. _arguments.Select(Encoding.UTF8.GetBytes)];
        List<byte[]> environment = [.. _environment.Select(Encoding.UTF8.GetBytes)];
        ExecError = await ExecCalls.ExecuteAsync(current, arguments[0], arguments, environment);
        return ExecError;
    }

    /// <summary>Descriptors 0 to 2: nothing to read, writes are collected.</summary>
    private sealed class Capture(KernelInstance kernel, TestMachine machine) : AnonymousFile(kernel, "[test]", OpenFlags.ReadWrite)
    {
        public override KTask<Result<long>> ReadAsync(Task current, IovIter to, long offset) => KTask<Result<long>>.FromResult(0L);

        public override async KTask<Result<long>> WriteAsync(Task current, IovIter from, long offset)
        {
            byte[] chunk = new byte[4096];
            long done = 0;
            while (from.Remaining > 0)
            {
                int count = from.CopyFrom(chunk.AsSpan(0, (int)Math.Min(chunk.Length, from.Remaining)));
                if (count == 0)
                {
                    Errno error = await from.FaultInAsync(current, write: false);
                    if (error != Errno.Success)
                        return done > 0 ? done : error;
                    continue;
                }

                string text = Encoding.UTF8.GetString(chunk, 0, count);
                machine._output.Append(text);
                machine.OutputWritten?.Invoke(text);
                done += count;
            }

            return done;
        }
    }
}
