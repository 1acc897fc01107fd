using Vitrine.Abi;

namespace Vitrine.Cpu;

/// <summary>
/// One virtual processor. A host thread runs it; only <see cref="Kick"/> may be called by others.
/// </summary>
internal sealed unsafe partial class VirtualProcessor : IDisposable
{
    /// <summary>Copies a task's registers onto the processor before a run.</summary>
    public partial void LoadRegisters(RegisterFile* from);

    /// <summary>Copies the processor's registers out after a run, flags materialised.</summary>
    public partial void SaveRegisters(RegisterFile* to);

    /// <summary>
    /// Runs user code under the page tables at <paramref name="cr3"/> until something happens. Published as
    /// "in guest" for its duration; a kick or flush that arrives before or during the run is seen.
    /// </summary>
    public partial CpuExit Run(PhysAddr cr3);

    /// <summary>Makes a current or the next <see cref="Run"/> return <see cref="CpuExitKind.Kicked"/> soon. Any thread, no lock.</summary>
    public partial void Kick();

    /// <summary>Instructions retired since creation.</summary>
    public partial ulong InstructionsRetired { get; }

    public partial void Dispose();
}
