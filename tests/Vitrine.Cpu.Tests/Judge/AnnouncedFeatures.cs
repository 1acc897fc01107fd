using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Vitrine.Cpu.Tests.Judge;

/// <summary>What the interpreter's CPUID says, asked by executing CPUID.</summary>
internal static unsafe class AnnouncedFeatures
{
    private static readonly Lazy<HashSet<CpuidFeature>> Lazily = new(FindExtras);

    /// <summary>Announced features beyond the level that is always required.</summary>
    public static IReadOnlySet<CpuidFeature> Extras => Lazily.Value;

    /// <summary>True if CPUID has the bit; a leaf beyond the last one has none.</summary>
    public static bool Has(GuestProgram guest, uint leaf, uint subLeaf, int register, int bit)
    {
        uint last = Ask(guest, leaf & 0x8000_0000, 0)[0];
        return leaf <= last && (Ask(guest, leaf, subLeaf)[register] >> bit & 1) != 0;
    }

    /// <summary>EAX EBX ECX EDX.</summary>
    public static uint[] Ask(GuestProgram guest, uint leaf, uint subLeaf)
    {
        guest.Registers->Rax = leaf;
        guest.Registers->Rcx = subLeaf;
        guest.RunUntilBreakpoint(c =>
        {
            c.cpuid();
            c.int3();
        });
        RegisterFile* r = guest.Registers;
        return [(uint)r->Rax, (uint)r->Rbx, (uint)r->Rcx, (uint)r->Rdx];
    }

    private static HashSet<CpuidFeature> FindExtras()
    {
        using var guest = new GuestProgram();
        var extras = new HashSet<CpuidFeature>();
        foreach ((CpuidFeature feature, uint leaf, uint subLeaf, int register, int bit) in Forms.Optional)
        {
            if (Has(guest, leaf, subLeaf, register, bit))
                extras.Add(feature);
        }

        return extras;
    }
}
