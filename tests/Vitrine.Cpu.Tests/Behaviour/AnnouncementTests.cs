using Iced.Intel;
using Vitrine.Cpu.Tests.Judge;
using Xunit.Abstractions;

namespace Vitrine.Cpu.Tests.Behaviour;

/// <summary>CPUID announces exactly what the processor can do, and the list of forms has no holes.</summary>
public sealed unsafe class AnnouncementTests(ITestOutputHelper output)
{
    [Fact]
    public void Cpuid_AnnouncesLevelTwo()
    {
        using var guest = new GuestProgram();
        Assert.All(Forms.Level2, f => Assert.True(AnnouncedFeatures.Has(guest, f.Leaf, f.SubLeaf, f.Register, f.Bit), $"CPUID doesn't announce {f.Feature}"));
    }

    [Fact]
    public void EveryLongModeForm_IsRequiredExcludedOrUnannounced()
    {
        int required = 0, excluded = 0, unannounced = 0;
        foreach (Code code in Forms.OfLongMode())
        {
            if (!Forms.IsAnnounced(code, AnnouncedFeatures.Extras))
                unannounced++;
            else if (Forms.ReasonToExclude(code) is { } reason)
            {
                excluded++;
                output.WriteLine($"{code}: {reason}");
            }
            else
                required++;
        }

        output.WriteLine($"{required} forms required, {excluded} excluded, {unannounced} not announced");
        Assert.Equal(Forms.Required(AnnouncedFeatures.Extras).Count, required);

        // What the decoder library 1.22 knows of the highest level, where the host can judge it; a form that vanishes from
        // the list is a mistake.
        int lacking = Forms.OfLongMode().Count(c => Forms.IsAnnounced(c, AnnouncedFeatures.Extras) && Forms.HostLacks(c) is not null);
        Assert.True(required >= 2046 - lacking, $"only {required} forms are required");
        Assert.True(excluded <= 46 + lacking, $"{excluded} forms are excluded");
    }

    [Fact]
    public void EveryRequiredForm_IsEncodedAsItself()
    {
        var generator = new Generator();
        Instance* instance = (Instance*)System.Runtime.InteropServices.NativeMemory.AllocZeroed((nuint)sizeof(Instance));
        var bytes = new byte[16];
        foreach (Code code in Forms.Required(AnnouncedFeatures.Extras))
        {
            var form = new Form(code);
            bool seen = false;
            for (int i = 0; i < 20; i++)
            {
                generator.Make(form, i, instance);
                int length = 0;
                foreach (Patch patch in instance->PatchList)
                {
                    if (patch.ArenaOffset < 6 * 4096)
                        continue;
                    instance->BytesOf(patch).CopyTo(bytes.AsSpan(length));
                    length += patch.Length;
                }

                var decoder = Decoder.Create(64, bytes);
                decoder.IP = instance->State.Rip;
                seen |= decoder.Decode().Code == code;
            }

            // Encodings that several forms share are decoded as the more specific one.
            if (!seen)
                Assert.StartsWith("Reservednop", code.ToString(), StringComparison.Ordinal);
        }

        System.Runtime.InteropServices.NativeMemory.Free(instance);
    }

    private static readonly byte[][] OfLevel3 =
    [
        [0xC5, 0xF8, 0x58, 0xC1],                       // vaddps xmm0, xmm0, xmm1
        [0xC5, 0xFC, 0x77],                             // vzeroall
        [0xC5, 0xFD, 0xEF, 0xC0],                       // vpxor ymm0, ymm0, ymm0
        [0xC4, 0xE2, 0x71, 0x98, 0xC2],                 // vfmadd132ps xmm0, xmm1, xmm2
        [0xC4, 0xE2, 0x79, 0x13, 0xC1],                 // vcvtph2ps xmm0, xmm1
        [0xC4, 0xE2, 0x78, 0xF2, 0xC3],                 // andn eax, eax, ebx
        [0xC4, 0xE2, 0x7B, 0xF6, 0xC3],                 // mulx eax, eax, ebx
        [0x0F, 0x38, 0xF0, 0x03],                       // movbe eax, [rbx]
    ];

    private static readonly byte[][] OfMaximum =
    [
        [0x0F, 0x38, 0xC8, 0xC1],                       // sha1nexte xmm0, xmm1
        [0x66, 0x0F, 0x38, 0xDC, 0xC1],                 // aesenc xmm0, xmm1
        [0xC4, 0xE2, 0x79, 0xDC, 0xC1],                 // vaesenc xmm0, xmm0, xmm1
        [0x66, 0x0F, 0x3A, 0x44, 0xC1, 0x00],           // pclmulqdq xmm0, xmm1, 0
        [0x66, 0x0F, 0x38, 0xF6, 0xC1],                 // adcx eax, ecx
        [0xF3, 0x0F, 0xAE, 0xC0],                       // rdfsbase eax
        [0x0F, 0xC7, 0xF8],                             // rdseed eax
        [0xF3, 0x0F, 0xC7, 0xF8],                       // rdpid rax
        [0x0F, 0xC7, 0x23],                             // xsavec [rbx]
        [0x0F, 0xAE, 0x33],                             // xsaveopt [rbx]
        [0x66, 0x0F, 0xAE, 0x3B],                       // clflushopt [rbx]
        [0x66, 0x0F, 0xAE, 0x33],                       // clwb [rbx]
        [0xC4, 0xE2, 0x7D, 0xDC, 0xC1],                 // vaesenc ymm0, ymm0, ymm1
        [0xC4, 0xE3, 0x7D, 0x44, 0xC1, 0x00],           // vpclmulqdq ymm0, ymm0, ymm1, 0
        [0x66, 0x0F, 0x38, 0xCF, 0xC1],                 // gf2p8mulb xmm0, xmm1
        [0xC4, 0xE3, 0xFD, 0xCE, 0xC1, 0x00],           // vgf2p8affineqb ymm0, ymm0, ymm1, 0
    ];

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void FormsBeyondTheLevel_AreInvalidOpcodes(int number)
    {
        var level = (CpuLevel)number;
        using var guest = new GuestProgram(level: level);
        foreach (byte[] sample in OfLevel3)
            Assert.Equal(level < CpuLevel.V3, IsInvalid(guest, sample));
        foreach (byte[] sample in OfMaximum)
            Assert.Equal(level < CpuLevel.Max, IsInvalid(guest, sample));
    }

    [Theory]
    [InlineData(2, 0u)]
    [InlineData(3, 0x1020u)]
    [InlineData(4, 0x1020u)]
    public void PrefixedScans_AreCountsFromLevelThreeOn(int number, uint counted)
    {
        // tzcnt eax, ebx and lzcnt ecx, ebx of zero: BSF and BSR leave their destinations alone.
        using var guest = new GuestProgram(level: (CpuLevel)number);
        guest.Registers->Rbx = 0;
        guest.Space.Write(GuestProgram.Code, [0xF3, 0x0F, 0xBC, 0xC3, 0xF3, 0x0F, 0xBD, 0xCB, 0xCC]);
        guest.Registers->Rip = GuestProgram.Code;
        guest.RunUntilBreakpoint();
        Assert.Equal(counted, (uint)(guest.Registers->Rax << 7) | ((uint)guest.Registers->Rcx & 0x20));
    }

    private static bool IsInvalid(GuestProgram guest, byte[] sample)
    {
        guest.Registers->Rax = guest.Registers->Rbx = GuestProgram.Data;
        guest.Space.Write(GuestProgram.Code, [.. sample, 0xCC, 0xCC, 0xCC, 0xCC, 0xCC, 0xCC, 0xCC, 0xCC]);
        guest.Registers->Rip = GuestProgram.Code;
        CpuExit exit = guest.Run();
        Assert.Equal(CpuExitKind.Exception, exit.Kind);
        return exit.Vector == ExceptionVector.InvalidOpcode && guest.Registers->Rip == GuestProgram.Code;
    }

    [Fact]
    public void UnannouncedForms_AreInvalidOpcodes()
    {
        using var guest = new GuestProgram();
        byte[][] samples =
        [
            [0x62, 0xF1, 0x7D, 0x08, 0xFE, 0xC1],           // vpaddd xmm0, xmm0, xmm1 with an EVEX prefix
            [0x62, 0xF1, 0x7C, 0x48, 0x58, 0xC1],           // vaddps zmm0, zmm0, zmm1
            [0x8F, 0xE9, 0x78, 0x01, 0xC8],                 // blcfill
            [0x0F, 0x0F, 0xC1, 0x9E],                       // pfadd mm0, mm1
            [0x66, 0x0F, 0x78, 0xC0, 0x01, 0x02],           // extrq
            [0x0F, 0x01, 0xD5],                             // xend
            [0x0F, 0x01, 0xC8],                             // monitor
            [0x0F, 0x38, 0xF9, 0x03],                       // movdiri
            [0x06],                                         // push es: not in 64-bit mode
            [0x27],                                         // daa
            [0xD6],                                         // salc
            [0x9A, 0, 0, 0, 0, 0, 0],                       // call far ptr
            [0x0F, 0x04],
            [0xF0, 0x90],                                   // lock nop
            [0xF0, 0x01, 0xC0],                             // lock add eax, eax: LOCK needs memory
            [0xF0, 0x8B, 0x00],                             // lock mov
            [0x8E, 0xC8],                                   // mov cs, ax
            [0x0F, 0xB8, 0xC0],
            [0xC6, 0xC8, 0x00],
            [0xFF, 0xF8],
        ];
        foreach (byte[] sample in samples)
            Assert.True(IsInvalid(guest, sample), Convert.ToHexString(sample));
    }

    [Fact]
    public void InstructionLongerThanFifteenBytes_IsAGeneralProtectionFault()
    {
        using var guest = new GuestProgram();
        byte[] code = [.. Enumerable.Repeat((byte)0x66, 15), 0x90, 0xCC];
        guest.Space.Write(GuestProgram.Code, code);
        guest.Registers->Rip = GuestProgram.Code;
        Assert.Equal(ExceptionVector.GeneralProtection, guest.Run().Vector);
    }
}
