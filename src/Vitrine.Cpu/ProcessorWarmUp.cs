using System.Runtime.InteropServices;
using Vitrine.Abi;
using Vitrine.Cpu.Decoding;
using Vitrine.Cpu.Execution;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu;

/// <summary>
/// Makes the runtime compile, on a thread of its own, what the first program will need: most of a short run's
/// time is the just-in-time compilation of decoder and handlers, and the rest of a machine's start-up can go on beside it.
/// Executes typical instructions once on a processor that nobody else sees; what they compute or fault on is of no interest.
/// </summary>
internal static unsafe partial class ProcessorWarmUp
{
    private const ulong Size = 64 << 10;
    private const ulong Root = 0x1000;
    private const ulong CodePage = 0x40_0000;
    private const ulong DataPage = 0x40_1000;

    private static int _started;

    /// <summary>Starts it, once in a process. Returns at once.</summary>
    public static void Start()
    {
        if (Interlocked.Exchange(ref _started, 1) != 0)
            return;
        var thread = new Thread(Run) { IsBackground = true, Name = "vitrine-cpu-warmup" };
        thread.Start();
    }

    /// <summary>Does it on the calling thread.</summary>
    public static void Run()
    {
        var ram = (byte*)NativeMemory.AlignedAlloc((nuint)Size, 4096);
        NativeMemory.Clear(ram, (nuint)Size);
        try
        {
            using var complex = new ProcessorComplex(new GuestMemory(ram, Size));
            VirtualProcessor processor = complex.CreateProcessor();
            MapPages(ram);
            RunProgram(processor, ram);
            RunSamples(processor);
        }
        finally
        {
            NativeMemory.AlignedFree(ram);
        }
    }

    /// <summary>Code at frame 5, data at frame 6, tables in frames 1 to 4.</summary>
    private static void MapPages(byte* ram)
    {
        const ulong Rights = 7;
        *(ulong*)(ram + Root) = 0x2000 | Rights;
        *(ulong*)(ram + 0x2000) = 0x3000 | Rights;
        *(ulong*)(ram + 0x3000 + 8 * 2) = 0x4000 | Rights;
        *(ulong*)(ram + 0x4000) = 0x5000 | Rights;
        *(ulong*)(ram + 0x4008) = 0x6000 | Rights;
    }

    /// <summary>A loop and a call that touch memory, then a system call: the driver's own paths.</summary>
    private static void RunProgram(VirtualProcessor processor, byte* ram)
    {
        ReadOnlySpan<byte> code =
        [
            0xb9, 0x02, 0x00, 0x00, 0x00,       // mov ecx, 2
            0x48, 0x89, 0x0f,                   // again: mov [rdi], rcx
            0x48, 0x8b, 0x07,                   // mov rax, [rdi]
            0x83, 0xe9, 0x01,                   // sub ecx, 1
            0x85, 0xc9,                         // test ecx, ecx
            0x75, 0xf3,                         // jne again
            0xe8, 0x02, 0x00, 0x00, 0x00,       // call far
            0x0f, 0x05,                         // syscall
            0xc3,                               // far: ret
        ];
        code.CopyTo(new Span<byte>(ram + 0x5000, code.Length));
        RegisterFile registers = default;
        registers.Reset();
        registers.Rip = CodePage;
        registers.Rdi = DataPage;
        registers.Rsp = DataPage + 0x800;
        processor.LoadRegisters(&registers);
        _ = processor.Run(new PhysAddr(Root));
        processor.SaveRegisters(&registers);
    }

    private static void RunSamples(VirtualProcessor processor)
    {
        CpuState* c = processor.State;
        using var builder = new BlockBuilder(processor.State->Level);
        ReadOnlySpan<byte> samples = Samples;
        byte* bytes = stackalloc byte[32];
        while (samples.Length > 0)
        {
            int length = samples[0];
            samples.Slice(1, length).CopyTo(new Span<byte>(bytes, 32));
            samples = samples[(1 + length)..];
            for (int i = 0; i < 16; i++)
                c->Gpr[i] = DataPage + 0x400;
            c->Gpr[1] = 1;
            c->PageBase = CodePage;
            if (builder.Build(bytes, length, 0, 2, false) != BuildResult.Built)
                continue;
            _ = builder.Ops->Fn(c, builder.Ops);
            c->Internal = 0;
        }
    }
}
