using Iced.Intel;
using Vitrine.Abi;
using Vitrine.Cpu.Tests.Judge;
using static Iced.Intel.AssemblerRegisters;

namespace Vitrine.Cpu.Tests.Behaviour;

/// <summary>Code that changes: the processor must execute what memory holds, as x86 promises without any flush.</summary>
public abstract unsafe class CodeChangeTests
{
    private readonly TranslationPolicy _policy;

    private protected CodeChangeTests(TranslationPolicy policy) => _policy = policy;

    private const ulong Other = 0x50_0000;

    [Fact]
    public void Store_IntoTheNextInstruction_TakesEffectAtOnce()
    {
        using var guest = new GuestProgram(translation: _policy);
        guest.RunUntilBreakpoint(c =>
        {
            Label target = c.CreateLabel();
            c.lea(rbx, __qword_ptr[target]);
            c.mov(__byte_ptr[rbx + 1], 0x22);
            c.Label(ref target);
            c.mov(eax, 0x11);
            c.int3();
        });
        Assert.Equal(0x22UL, guest.Registers->Rax);
    }

    [Theory]
    [InlineData("mov")]
    [InlineData("stos")]
    [InlineData("movdqu")]
    [InlineData("push")]
    [InlineData("lock")]
    [InlineData("xchg")]
    public void Store_OfAnyKindIntoTheSameBlock_TakesEffectAtOnce(string kind)
    {
        using var guest = new GuestProgram(translation: _policy);
        guest.Registers->Rdx = 0x2222222222222222;
        guest.RunUntilBreakpoint(c =>
        {
            Label target = c.CreateLabel();
            c.lea(rdi, __qword_ptr[target]);
            c.add(rdi, 2);
            c.mov(rax, rdx);
            switch (kind)
            {
                case "mov":
                    c.mov(__qword_ptr[rdi], rdx);
                    break;
                case "stos":
                    c.mov(ecx, 8);
                    c.rep.stosb();
                    break;
                case "movdqu":
                    c.movq(xmm0, rdx);
                    c.movq(__qword_ptr[rdi], xmm0);
                    break;
                case "push":
                    c.lea(rsp, __qword_ptr[rdi + 8]);
                    c.push(rdx);
                    break;
                case "lock":
                    c.mov(rbx, 0x1111111111111111);
                    c.@lock.add(__qword_ptr[rdi], rbx);
                    break;
                default:
                    c.mov(rbx, rdx);
                    c.xchg(__qword_ptr[rdi], rbx);
                    break;
            }

            c.Label(ref target);
            c.mov(rax, 0x1111111111111111);
            c.int3();
        });
        Assert.Equal(0x2222222222222222UL, guest.Registers->Rax);
    }

    [Fact]
    public void Store_IntoAnotherPagesCode_IsSeenByTheNextCall()
    {
        using var guest = new GuestProgram(translation: _policy);
        guest.Space.Map(Other, Pte.Writable);
        guest.Place(
            c =>
            {
                c.mov(eax, 1);
                c.ret();
            },
            Other);
        guest.RunUntilBreakpoint(c =>
        {
            Label loop = c.CreateLabel();
            c.mov(rbx, Other);
            c.mov(ecx, 1000);
            c.xor(edx, edx);
            c.Label(ref loop);
            c.mov(__dword_ptr[rbx + 1], ecx);
            c.call(rbx);
            c.add(rdx, rax);
            c.dec(ecx);
            c.jne(loop);
            c.int3();
        });
        Assert.Equal(1000UL * 1001 / 2, guest.Registers->Rdx);
    }

    [Fact]
    public void Store_ThroughASecondMappingOfTheFrame_IsSeen()
    {
        using var guest = new GuestProgram(translation: _policy);
        const ulong alias = 0x70_0000;
        PageFrameNumber frame = guest.Space.Map(Other, Pte.None);
        guest.Space.Map(alias, Pte.Writable | Pte.NoExecute, frame);
        guest.Place(
            c =>
            {
                c.mov(eax, 1);
                c.ret();
            },
            Other);
        guest.RunUntilBreakpoint(c =>
        {
            c.mov(rbx, Other);
            c.mov(rsi, alias);
            // The alias is written before and after its frame became code: its writable translation is cached.
            c.mov(__dword_ptr[rsi + 1], 7);
            c.call(rbx);
            c.mov(ecx, eax);
            c.mov(__dword_ptr[rsi + 1], 8);
            c.call(rbx);
            c.int3();
        });
        Assert.Equal(7UL, guest.Registers->Rcx);
        Assert.Equal(8UL, guest.Registers->Rax);
    }

    [Fact]
    public void Store_IntoTheSecondPageOfACrossingInstruction_IsSeen()
    {
        using var guest = new GuestProgram(translation: _policy);
        guest.Space.Map(Other, Pte.Writable);
        guest.Space.Map(Other + Page.Size, Pte.Writable);
        const ulong function = Other + 4096 - 3;
        guest.Place(
            c =>
            {
                c.mov(eax, 0x01010101);
                c.ret();
            },
            function);
        guest.RunUntilBreakpoint(c =>
        {
            c.mov(rbx, function);
            c.call(rbx);
            c.mov(rcx, rax);
            c.mov(rdi, Other + 4096);
            c.mov(__byte_ptr[rdi], 0x77);
            c.call(rbx);
            c.int3();
        });
        Assert.Equal(0x01010101UL, guest.Registers->Rcx);
        Assert.Equal(0x01770101UL, guest.Registers->Rax);
    }

    [Fact]
    public void FreshlyWrittenCode_IsExecutedWithoutFlush()
    {
        using var guest = new GuestProgram(translation: _policy);
        guest.Space.Map(Other, Pte.Writable);
        guest.RunUntilBreakpoint(c =>
        {
            Label loop = c.CreateLabel();
            c.mov(rbx, Other);
            c.mov(r9, rbx);
            c.mov(ecx, 300);
            c.xor(edx, edx);
            c.Label(ref loop);
            c.mov(__byte_ptr[r9], 0xb8);             // mov eax, ecx's value
            c.mov(__dword_ptr[r9 + 1], ecx);
            c.mov(__byte_ptr[r9 + 5], 0xc3);         // ret
            c.call(r9);
            c.add(rdx, rax);
            c.add(r9, 6);
            c.dec(ecx);
            c.jne(loop);
            c.int3();
        });
        Assert.Equal(300UL * 301 / 2, guest.Registers->Rdx);
    }

    [Fact]
    public void KernelWrite_WithInvalidation_IsSeen()
    {
        using var guest = new GuestProgram(translation: _policy);
        for (uint i = 0; i < 5; i++)
        {
            guest.RunUntilBreakpoint(c =>
            {
                c.mov(eax, i);
                c.int3();
            });
            Assert.Equal(i, guest.Registers->Rax);
        }
    }

    [Fact]
    public void InvalidateCode_ForgetsThatTheFrameHeldCode()
    {
        using var guest = new GuestProgram(translation: _policy);
        guest.RunUntilBreakpoint(c => c.int3());
        var frame = new PageFrameNumber((uint)((*guest.Space.Entry(GuestProgram.Code) & 0xffff_ffff_f000) >> 12));
        Assert.True(guest.Space.Complex.IsCode(frame));
        guest.Space.Complex.InvalidateCode(frame);
        Assert.False(guest.Space.Complex.IsCode(frame));
    }

    [Fact]
    public void PageExchangedUnderTheCode_AfterFlush_RunsTheNewCode()
    {
        using var guest = new GuestProgram(translation: _policy);
        guest.Space.Map(Other, Pte.None);
        guest.Place(Returning(1), Other);
        guest.RunUntilBreakpoint(CallOther);
        Assert.Equal(1UL, guest.Registers->Rax);

        guest.Space.Map(Other, Pte.None);
        guest.Place(Returning(2), Other);
        guest.Space.Complex.Flush(guest.Space.Cr3, new VirtAddr(Other), 1);
        guest.RunUntilBreakpoint(CallOther);
        Assert.Equal(2UL, guest.Registers->Rax);

        static Action<Assembler> Returning(int value) => c =>
        {
            c.mov(eax, value);
            c.ret();
        };

        static void CallOther(Assembler c)
        {
            c.mov(rbx, Other);
            c.call(rbx);
            c.int3();
        }
    }
}

/// <inheritdoc/>
public sealed class InterpretedCodeChangeTests() : CodeChangeTests(default);

/// <inheritdoc/>
public sealed class TranslatedCodeChangeTests() : CodeChangeTests(TranslationPolicy.AtOnce);
