using System.Diagnostics;
using System.IO.MemoryMappedFiles;
using System.Runtime.InteropServices;
using Vitrine.Abi;

namespace Vitrine.Cpu.Tests.Judge;

/// <summary>
/// The host's own processor, behind the runner program: a batch of instances goes in, a batch of results
/// comes out, both in a file that the two processes share.
/// </summary>
/// <remarks>
/// .NET can't catch the faults that instances raise, so they run in a process of their own. The runner is
/// compiled by the host's gcc when first needed.
/// </remarks>
internal sealed unsafe class NativeProcessor : IDisposable
{
    public const int Capacity = 512;

    private const int ContentOffset = 4096;
    private const int InstanceOffset = ContentOffset + (Arena.PageCount * 4096);
    private const int ResultOffset = InstanceOffset + (Capacity * Instance.Stride);
    private const int FileLength = ResultOffset + (Capacity * Result.Stride);

    private static readonly Lazy<string> Program = new(Compile);

    private readonly string _path;
    private readonly MemoryMappedFile _file;
    private readonly MemoryMappedViewAccessor _view;
    private readonly byte* _base;
    private readonly Process _process;

    public NativeProcessor()
    {
        _path = Path.Combine(Path.GetTempPath(), $"vitrine-judge-{Environment.ProcessId}-{Guid.NewGuid():N}");
        _file = MemoryMappedFile.CreateFromFile(_path, System.IO.FileMode.CreateNew, null, FileLength);
        _view = _file.CreateViewAccessor();
        byte* p = null;
        _view.SafeMemoryMappedViewHandle.AcquirePointer(ref p);
        _base = p;
        WriteHeader();
        _process = Process.Start(new ProcessStartInfo(Program.Value, [_path])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
    }

    /// <summary>Why there is no native side on this host, or null if there is one.</summary>
    public static string? ReasonToSkip()
    {
        if (!OperatingSystem.IsLinux() || RuntimeInformation.ProcessArchitecture != Architecture.X64)
            return "the judge is the host's own processor, which must be x86-64 under Linux";
        if (!File.Exists("/usr/bin/gcc") && Environment.GetEnvironmentVariable("CI") is null)
            return "gcc is needed to compile the native runner";
        return null;
    }

    // SAFETY: both lie within the view, which lives as long as this object.
    public Instance* InstanceAt(int i) => (Instance*)(_base + InstanceOffset + ((long)i * Instance.Stride));

    public Result* ResultAt(int i) => (Result*)(_base + ResultOffset + ((long)i * Result.Stride));

    /// <summary>Runs the first <paramref name="count"/> instances; their results are there when it returns.</summary>
    public void Run(int count)
    {
        Stream input = _process.StandardInput.BaseStream, output = _process.StandardOutput.BaseStream;
        Span<byte> bytes = stackalloc byte[4];
        BitConverter.TryWriteBytes(bytes, count);
        input.Write(bytes);
        input.Flush();
        using var watchdog = new Timer(_ => _process.Kill(), null, TimeSpan.FromSeconds(60), Timeout.InfiniteTimeSpan);
        if (output.Read(bytes[..1]) != 1)
        {
            _process.WaitForExit(1000);
            throw new InvalidOperationException($"The native runner ended with status {(_process.HasExited ? _process.ExitCode : -1)} in a batch.");
        }
    }

    public void Dispose()
    {
        _process.StandardInput.Dispose();
        if (!_process.WaitForExit(5000))
            _process.Kill();
        _process.Dispose();
        _view.SafeMemoryMappedViewHandle.ReleasePointer();
        _view.Dispose();
        _file.Dispose();
        File.Delete(_path);
    }

    private void WriteHeader()
    {
        // SAFETY: the header and the content lie within the view.
        var words = (uint*)_base;
        *(ulong*)_base = 0x6567_6475_6a56;
        words[2] = Arena.PageCount;
        words[3] = (uint)Arena.Pages.Length;
        words[4] = InstanceOffset;
        words[5] = Instance.Stride;
        words[6] = ResultOffset;
        words[7] = Result.Stride;
        words[8] = ContentOffset;
        for (int i = 0; i < Arena.Pages.Length; i++)
        {
            *(ulong*)(words + 10 + (4 * i)) = Arena.Pages[i].Address;
            words[10 + (4 * i) + 2] = Arena.Pages[i].Index;
            words[10 + (4 * i) + 3] = (uint)Arena.Pages[i].Protection;
        }

        Arena.PristineContent().CopyTo(new Span<byte>(_base + ContentOffset, Arena.PageCount * (int)Page.Size));
    }

    private static string Compile()
    {
        string directory = AppContext.BaseDirectory;
        string source = Path.Combine(directory, "Judge", "NativeRunner.c");
        string program = Path.Combine(directory, $"native-runner-{Environment.ProcessId}");
        using Process gcc = Process.Start(new ProcessStartInfo("gcc",
        [
            "-O2", "-ffreestanding", "-fno-stack-protector", "-fno-pic", "-static", "-nostdlib", "-mno-avx",
            "-mcmodel=large", "-Wl,-Ttext-segment=0x7e0000000000", "-o", program, source,
        ])
        { RedirectStandardError = true })!;
        string messages = gcc.StandardError.ReadToEnd();
        gcc.WaitForExit();
        if (gcc.ExitCode != 0)
            throw new InvalidOperationException("The native runner does not compile: " + messages);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => File.Delete(program);
        return program;
    }
}
