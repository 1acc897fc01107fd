using Iced.Intel;
using Vitrine.Abi;
using Vitrine.Cpu.Tests.Judge;
using static Iced.Intel.AssemblerRegisters;

namespace Vitrine.Cpu.Tests.Behaviour;

/// <summary>Instructions that begin in one page and end in the next, and code that doesn't fit into the code memory.</summary>
public abstract unsafe class PageEndTests
{
    private const ulong Other = 0x50_0000;

    private readonly TranslationPolicy _policy;

    private protected PageEndTests(TranslationPolicy policy) => _policy = policy;

    /// <summary>A jump back whose last bytes lie in the next page, each time at another of its bytes.</summary>
    [Theory]
    [InlineData(0xffb)]
    [InlineData(0xffd)]
    [InlineData(0xfff)]
    public void ConditionalJump_AcrossPages_LeadsBackIntoItsOwn(int offset)
    {
        using var guest = new GuestProgram(translation: _policy);
        guest.Space.Map(Other, Pte.None);
        guest.Space.Map(Other + Page.Size, Pte.None);
        const ulong start = Other + 0xe00;
        byte[] body = GuestProgram.Assemble(start, c =>
        {
            c.add(rbx, 3);
            c.dec(ecx);
        });
        guest.Place(
            c =>
            {
                Label loop = c.CreateLabel();
                c.Label(ref loop);
                c.add(rbx, 3);
                c.dec(ecx);
                for (int i = 0xe00 + body.Length; i < offset; i++)
                    c.nop();
                c.jne(loop);
                c.int3();
            },
            start);
        guest.Registers->Rcx = 20_000;
        guest.RunUntilBreakpoint();
        Assert.Equal(60_000UL, guest.Registers->Rbx);
        Assert.Equal(Other + (ulong)offset + 7, guest.Registers->Rip);
    }

    /// <summary>Straight code of many accesses, whose machine code is larger than the memory for it; three times.</summary>
    [Fact]
    public void Code_LargerThanItsMemory_GoesOnToRun()
    {
        const int pages = 150, accesses = 1000;
        using var guest = new GuestProgram(megabytes: 32, translation: _policy);
        for (ulong i = 0; i < pages; i++)
        {
            guest.Space.Map(Other + (i * Page.Size), Pte.None);
            byte[] page = GuestProgram.Assemble(Other + (i * Page.Size), c =>
            {
                for (int n = 0; n < accesses; n++)
                    c.add(__qword_ptr[rdi], rsi);
                c.inc(rsi);
                c.ret();
            });
            guest.Space.Write(Other + (i * Page.Size), page);
        }

        ref ulong sum = ref guest.Word(GuestProgram.Data);
        guest.Registers->Rdi = GuestProgram.Data;
        guest.RunUntilBreakpoint(c =>
        {
            Label round = c.CreateLabel();
            Label call = c.CreateLabel();
            c.mov(ebp, 3);
            c.Label(ref round);
            c.mov(rbx, Other);
            c.mov(esi, 1);
            c.mov(r12d, pages);
            c.Label(ref call);
            c.call(rbx);
            c.add(rbx, (int)Page.Size);
            c.dec(r12d);
            c.jne(call);
            c.dec(ebp);
            c.jne(round);
            c.int3();
        });
        Assert.Equal(3UL * accesses * (pages * (pages + 1) / 2), sum);
    }
}

/// <inheritdoc/>
public sealed class InterpretedPageEndTests() : PageEndTests(default);

/// <inheritdoc/>
public sealed class TranslatedPageEndTests() : PageEndTests(TranslationPolicy.AtOnce);
