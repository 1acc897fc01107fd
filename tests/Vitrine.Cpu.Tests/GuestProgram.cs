using System.Runtime.InteropServices;
using Iced.Intel;
using Vitrine.Abi;
using Vitrine.Cpu.Tests.Judge;

namespace Vitrine.Cpu.Tests;

/// <summary>
/// One processor with a page of code at <see cref="Code"/>, two pages of stack and data at <see cref="Data"/>:
/// what most tests of the processor's behaviour need. The code page may be written, like that of a program
/// which makes its own code.
/// </summary>
internal sealed unsafe class GuestProgram : IDisposable
{
    public const ulong Code = 0x40_0000;
    public const ulong Data = 0x60_0000;
    public const ulong StackTop = Data + 0x2000;

    public GuestProgram(ulong megabytes = 16, CpuLevel level = CpuLevel.Max, TranslationPolicy translation = default)
    {
        Space = new GuestSpace(megabytes, level, translation);
        Space.Map(Code, Pte.Writable);
        Space.Map(Data, Pte.Writable | Pte.NoExecute);
        Space.Map(Data + Page.Size, Pte.Writable | Pte.NoExecute);
        Processor = Space.CreateProcessor();
        Registers = (RegisterFile*)NativeMemory.AlignedAlloc((nuint)sizeof(RegisterFile), 64);
        Registers->Reset();
        Registers->Rsp = StackTop;
    }

    public GuestSpace Space { get; }

    public VirtualProcessor Processor { get; }

    public RegisterFile* Registers { get; }

    public static byte[] Assemble(ulong address, Action<Assembler> write)
    {
        var assembler = new Assembler(64);
        write(assembler);
        using var stream = new MemoryStream();
        assembler.Assemble(new StreamCodeWriter(stream), address);
        return stream.ToArray();
    }

    /// <summary>Places code and lets RIP point at it.</summary>
    public void Place(Action<Assembler> write, ulong address = Code)
    {
        Space.Write(address, Assemble(address, write));
        Registers->Rip = address;
    }

    public CpuExit Run()
    {
        Processor.LoadRegisters(Registers);
        CpuExit exit = Processor.Run(Space.Cr3);
        Processor.SaveRegisters(Registers);
        return exit;
    }

    /// <summary>Runs code that must end at an INT3.</summary>
    public void RunUntilBreakpoint(Action<Assembler> write)
    {
        Place(write);
        RunUntilBreakpoint();
    }

    public void RunUntilBreakpoint()
    {
        CpuExit exit = Run();
        Assert.Equal(new CpuExit(CpuExitKind.Exception, Vector: ExceptionVector.Breakpoint), exit);
    }

    public ref ulong Word(ulong address) => ref *(ulong*)Space.Host(address);

    public void Dispose()
    {
        Processor.Dispose();
        Space.Dispose();
        NativeMemory.AlignedFree(Registers);
    }
}
