using Vitrine.Abi;

namespace Vitrine.Cpu;

internal sealed unsafe partial class VirtualProcessor
{
    public partial void LoadRegisters(RegisterFile* from) => throw new NotImplementedException();

    public partial void SaveRegisters(RegisterFile* to) => throw new NotImplementedException();

    public partial CpuExit Run(PhysAddr cr3) => throw new NotImplementedException();

    public partial void Kick() => throw new NotImplementedException();

    public partial ulong InstructionsRetired => throw new NotImplementedException();

    public partial void Dispose()
    {
    }
}
