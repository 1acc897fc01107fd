using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using Vitrine.Abi;
using Vitrine.Cpu;

namespace Vitrine.Bench;

/// <summary>
/// A processor, RAM and two system calls (write to descriptor 1, exit_group): enough for the processor's
/// benchmark programs, so that the interpreter can be measured and profiled without a kernel around it.
/// </summary>
internal sealed unsafe class BareMachine : IDisposable
{
    private const ulong RamLength = 64UL << 20;
    private const ulong StackTop = 0x7fff_0000_0000;
    private const int StackPages = 64;
    private readonly void* _ram;
    private readonly GuestMemory _memory;
    private readonly ProcessorComplex _complex;
    private readonly VirtualProcessor _processor;
    private readonly PageFrameNumber _root;
    private readonly StringBuilder _output = new();
    private uint _nextFrame = 1;

    public BareMachine(TranslationPolicy translation = default)
    {
        // SAFETY: freed in Dispose, after the processor.
        _ram = NativeMemory.AlignedAlloc((nuint)RamLength, (nuint)Page.HugeSize);
        NativeMemory.Clear(_ram, (nuint)RamLength);
        _memory = new GuestMemory((byte*)_ram, RamLength);
        _complex = new ProcessorComplex(_memory, translation, CpuLevel.Max);
        _processor = _complex.CreateProcessor();
        _root = Allocate();
    }

    public ulong InstructionsRetired => _processor.InstructionsRetired;

    /// <summary>Loads a static ELF program and runs it until it exits; returns its output and the processor time it took, in seconds.</summary>
    public (string Output, double Seconds) Execute(string path)
    {
        RegisterFile registers = default;
        registers.Reset();
        registers.Rip = Load(File.ReadAllBytes(path));
        for (ulong i = 1; i <= StackPages; i++)
            Map(StackTop - (i << Page.Shift));
        registers.Rsp = StackTop - 64;

        double start = ProcessorTime.OfThread;
        while (true)
        {
            _processor.LoadRegisters(&registers);
            CpuExit exit = _processor.Run(_root.Address);
            _processor.SaveRegisters(&registers);
            if (exit.Kind != CpuExitKind.Syscall)
                throw new InvalidOperationException($"The program ended with {exit} at {registers.Rip:x}.");
            switch (registers.Rax)
            {
                case 1:
                    for (ulong i = 0; i < registers.Rdx; i++)
                        _output.Append((char)*Host(registers.Rsi + i));
                    registers.Rax = registers.Rdx;
                    break;
                case 231:
                    return (_output.ToString(), ProcessorTime.OfThread - start);
                default:
                    registers.Rax = unchecked((ulong)-38);
                    break;
            }
        }
    }

    public void Dispose()
    {
        _processor.Dispose();
        _complex.Dispose();
        NativeMemory.AlignedFree(_ram);
    }

    private ulong Load(ReadOnlySpan<byte> file)
    {
        ulong entry = BinaryPrimitives.ReadUInt64LittleEndian(file[24..]);
        int headers = (int)BinaryPrimitives.ReadUInt64LittleEndian(file[32..]);
        int count = BinaryPrimitives.ReadUInt16LittleEndian(file[56..]);
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> header = file[(headers + (56 * i))..];
            if (BinaryPrimitives.ReadUInt32LittleEndian(header) != 1)
                continue;
            int offset = (int)BinaryPrimitives.ReadUInt64LittleEndian(header[8..]);
            ulong address = BinaryPrimitives.ReadUInt64LittleEndian(header[16..]);
            int fileSize = (int)BinaryPrimitives.ReadUInt64LittleEndian(header[32..]);
            ulong memorySize = BinaryPrimitives.ReadUInt64LittleEndian(header[40..]);
            for (ulong page = Page.AlignDown(address); page < address + memorySize; page += Page.Size)
                Map(page);
            for (int k = 0; k < fileSize; k++)
                *Host(address + (ulong)k) = file[offset + k];
        }

        return entry;
    }

    private PageFrameNumber Allocate() => _nextFrame < _memory.FrameCount
        ? new PageFrameNumber(_nextFrame++)
        : throw new InvalidOperationException("The program needs more RAM than the bare machine has.");

    private ulong* Entry(ulong address)
    {
        PageFrameNumber table = _root;
        for (int level = 3; ; level--)
        {
            // SAFETY: tables are frames of this machine's RAM.
            ulong* entry = (ulong*)_memory.Frame(table) + ((address >> (12 + (9 * level))) & 511);
            if (level == 0)
                return entry;
            if (*entry == 0)
                *entry = Allocate().Address.Value | 7;
            table = new PageFrameNumber((uint)((*entry & 0xf_ffff_ffff_f000) >> Page.Shift));
        }
    }

    private void Map(ulong address)
    {
        ulong* entry = Entry(address);
        if (*entry == 0)
            *entry = Allocate().Address.Value | 7;
    }

    private byte* Host(ulong address) => _memory.Base + (*Entry(address) & 0xf_ffff_ffff_f000) + (address & (Page.Size - 1));
}
