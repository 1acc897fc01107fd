using Iced.Intel;
using Vitrine.Abi;
using Vitrine.Cpu.Tests.Judge;
using static Iced.Intel.AssemblerRegisters;

namespace Vitrine.Cpu.Tests.Behaviour;

/// <summary>
/// Interpreter and translator run the same random programs that access memory in many ways, with a kernel beside them that maps what they
/// touch, makes it writable, moves it to other frames and clears bits: registers, memory, faults, accessed and dirty bits are the same.
/// </summary>
public sealed unsafe class AddressTests
{
    private const int MostFaults = 40;

    /// <summary>Programs overwrite return addresses and may go in circles then.</summary>
    private const ulong MostInstructions = 20_000;

    private static readonly bool IsLong = Environment.GetEnvironmentVariable("VITRINE_LONG_TESTS") == "1";
    private static readonly int Programs = IsLong ? 60_000 : 3_000;

    [Fact]
    public void RandomAddresses_EndAlikeInBothEngines()
    {
        for (int seed = 0; seed < Programs; seed++)
        {
            var program = new AddressProgram(seed);
            string expected = Run(program, default, seed, 0);
            Check(program, TranslationPolicy.AtOnce, seed, 0, expected);
            Check(program, new TranslationPolicy(3), seed, 0, expected);
        }
    }

    /// <summary>Runs that end after some instructions, with what a kernel may do then.</summary>
    [Fact]
    public void RandomAddresses_WhileTheKernelChangesMappings_EndAlike()
    {
        for (int seed = 0; seed < Programs; seed++)
        {
            var program = new AddressProgram(seed);
            string expected = Run(program, default, seed, 50);
            Check(program, TranslationPolicy.AtOnce, seed, 50, expected);
        }
    }

    /// <summary>Places beyond the number of remembered translations share those with others, which access more or less at once.</summary>
    [Fact]
    public void MorePlacesThanEntries_AccessWhatTheyShould()
    {
        const int Places = 24_000;
        const ulong Code = 0x100_0000;
        var random = new Random(1);
        byte[] code = GuestProgram.Assemble(Code, c =>
        {
            Label again = c.CreateLabel();
            c.mov(ecx, 3);
            c.Label(ref again);
            for (int i = 0; i < Places; i++)
            {
                c.mov(ebx, (uint)(AddressProgram.Area + ((ulong)random.Next(1, 7) << Page.Shift)) - (uint)random.Next(1, 70));
                switch (random.Next(8))
                {
                    case 0: c.movzx(eax, __byte_ptr[rbx]); break;
                    case 1: c.add(rax, __qword_ptr[rbx]); break;
                    case 2: c.vmovdqu(ymm1, __ymmword_ptr[rbx]); break;
                    case 3: c.add(rdx, __qword_ptr[rbx]); c.add(rdx, __qword_ptr[rbx + 120]); break;
                    case 4: c.mov(__byte_ptr[rbx], cl); break;
                    case 5: c.mov(__dword_ptr[rbx], edx); break;
                    case 6: c.vmovdqu(__ymmword_ptr[rbx], ymm1); break;
                    default: c.inc(__qword_ptr[rbx]); c.mov(__byte_ptr[rbx + 64], al); break;
                }
            }

            c.dec(ecx);
            c.jne(again);
            c.int3();
        });
        string expected = RunPlaces(code, Code, default);
        Assert.Equal(expected, RunPlaces(code, Code, TranslationPolicy.AtOnce));
    }

    private static string RunPlaces(byte[] code, ulong address, TranslationPolicy policy)
    {
        using var guest = new GuestProgram(64, translation: policy);
        for (ulong page = 0; page < (ulong)code.Length; page += Page.Size)
            guest.Space.Map(address + page, Pte.None);
        guest.Space.Write(address, code);
        for (ulong page = 0; page < 8; page++)
        {
            // Every other frame isn't the program's.
            _ = guest.Space.AllocateFrame();
            guest.Space.Map(AddressProgram.Area + (page << Page.Shift), Pte.Writable | Pte.NoExecute);
        }

        guest.Registers->Rip = address;
        guest.RunUntilBreakpoint();
        var ram = new ReadOnlySpan<byte>(guest.Space.Memory.Base, 64 << 20);
        return $"{guest.Registers->Rax:x} {guest.Registers->Rdx:x} {Convert.ToHexString(System.Security.Cryptography.SHA256.HashData(ram))}";
    }

    private static void Check(AddressProgram program, TranslationPolicy policy, int seed, int piece, string expected)
    {
        string got = Run(program, policy, seed, piece);
        if (got == expected)
            return;
        string[] wanted = expected.Split('\n'), lines = got.Split('\n');
        int at = 0;
        while (at < Math.Min(wanted.Length, lines.Length) && wanted[at] == lines[at])
            at++;
        Assert.Fail($"program {seed}: {(at < lines.Length ? lines[at] : "nothing")} instead of {(at < wanted.Length ? wanted[at] : "nothing")}");
    }

    /// <summary>All that the run showed, a line each: faults with the state that they found, and how it ended.</summary>
    /// <param name="piece">Most instructions between two changes of mappings; 0: none are made but to mend faults.</param>
    private static string Run(AddressProgram program, TranslationPolicy policy, int seed, int piece)
    {
        using var guest = new GuestProgram(8, translation: policy);
        program.Load(guest);
        var kernel = new Random(seed);
        var seen = new System.Text.StringBuilder();
        ulong before = guest.Processor.InstructionsRetired;
        int faults = 0;
        while (true)
        {
            ulong most = before + MostInstructions;
            guest.Processor.Limit = piece == 0 ? most : Math.Min(most, guest.Processor.InstructionsRetired + (ulong)kernel.Next(1, piece));
            CpuExit exit = guest.Run();
            Note(seen, guest, exit, before);
            if (exit.Kind == CpuExitKind.LimitReached && guest.Processor.InstructionsRetired < most)
            {
                ChangeMappings(guest.Space, kernel);
                continue;
            }

            if (exit.Kind != CpuExitKind.PageFault || ++faults > MostFaults || !Mend(guest.Space, exit))
                break;
        }

        NoteMemory(seen, guest.Space);
        return seen.ToString();
    }

    /// <summary>What a page fault's handler does. False: there is nothing to be mapped.</summary>
    private static bool Mend(GuestSpace space, CpuExit exit)
    {
        ulong page = Page.AlignDown(exit.Address.Value);
        if (page is < AddressProgram.Area or >= AddressProgram.Area + ((AddressProgram.Pages - 1) * Page.Size))
            return false;
        ulong* entry = space.Entry(page);
        if (*entry == 0)
            space.Map(page, Pte.Writable | Pte.NoExecute);
        else
            *entry |= (ulong)Pte.Writable;
        return true;
    }

    /// <summary>Copies a page to another frame, forgets that one was touched or written, or write-protects it; each with the flush that it takes.</summary>
    private static void ChangeMappings(GuestSpace space, Random kernel)
    {
        ulong page = AddressProgram.Area + ((ulong)kernel.Next(AddressProgram.Pages - 1) << Page.Shift);
        ulong* entry = space.Entry(page);
        if (*entry == 0 || kernel.Next(3) == 0)
            return;
        switch (kernel.Next(5))
        {
            case 0:
                PageFrameNumber frame = space.AllocateFrame();
                Buffer.MemoryCopy(space.Host(page), space.Memory.Frame(frame), (long)Page.Size, (long)Page.Size);
                space.Map(page, (Pte)(*entry & (ulong)(Pte.Writable | Pte.NoExecute | Pte.Accessed | Pte.Dirty)), frame);
                break;
            case 1:
                *entry &= ~(ulong)Pte.Writable;
                break;
            case 2:
                *entry &= ~(ulong)Pte.Dirty;
                break;
            default:
                *entry &= ~(ulong)(Pte.Accessed | Pte.Dirty);
                break;
        }

        space.Complex.Flush(space.Cr3, new VirtAddr(page), 1);
    }

    private static void Note(System.Text.StringBuilder seen, GuestProgram guest, CpuExit exit, ulong before)
    {
        RegisterFile* registers = guest.Registers;
        seen.Append($"{exit.Kind} {exit.Vector} {exit.Address.Value:x} {exit.ErrorCode} at {registers->Rip:x} flags {registers->Rflags & ~0x10000UL:x}"
            + $" after {guest.Processor.InstructionsRetired - before} registers");
        for (int i = 0; i < 16; i++)
            seen.Append($" {registers->Gpr[i]:x}");
        seen.Append(" vectors");
        for (int i = 0; i < 64; i++)
            seen.Append($" {registers->Ymm[i]:x}");
        seen.Append(" bits");
        for (ulong page = 0; page < AddressProgram.Pages; page++)
            seen.Append($" {*guest.Space.Entry(AddressProgram.Area + (page << Page.Shift)) & 0xfff:x}");
        seen.Append('\n');
    }

    private static void NoteMemory(System.Text.StringBuilder seen, GuestSpace space)
    {
        foreach (ulong start in (ReadOnlySpan<ulong>)[GuestProgram.Data, AddressProgram.Area])
        {
            for (ulong page = 0; page < AddressProgram.Pages; page++)
            {
                ulong* entry = space.Entry(start + (page << Page.Shift));
                if (entry != null && *entry != 0)
                    seen.Append($"page {start:x} + {page}: {Convert.ToHexString(System.Security.Cryptography.MD5.HashData(new ReadOnlySpan<byte>(space.Host(start + (page << Page.Shift)), (int)Page.Size)))}\n");
            }
        }
    }
}
