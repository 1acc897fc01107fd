using Vitrine.Cpu.State;
using static Vitrine.Cpu.Translation.HostMapping;

namespace Vitrine.Cpu.Translation;

/// <summary>
/// The memory of a processor's state: zeroed, and for machine code a file, so that the same state can be at several addresses.
/// </summary>
internal sealed unsafe class StateMemory : IDisposable
{
    private readonly int _file = -1;
    private byte* _state;

    /// <param name="shared">It is to be mapped at other addresses, too.</param>
    public StateMemory(bool shared)
    {
        if (shared)
        {
            _file = CreateFile("vitrine-processor", CpuState.Size);
            _state = _file < 0 ? null : MapFile(_file, null, CpuState.Size, Protection.Read | Protection.Write);
            if (_state == null)
                throw new InsufficientMemoryException("The host has no memory for a processor's state.");
        }
        else
        {
            _state = Reserve(CpuState.Size);
        }
    }

    public CpuState* State => (CpuState*)_state;

    /// <summary>Maps it at an address, in place of what is there; gives where the state is to be used with the tables behind that.</summary>
    public CpuState* MapAt(byte* address)
    {
        if (_file < 0)
            return State;
        return MapFile(_file, address, CpuState.Size, Protection.Read | Protection.Write) == null
            ? throw new InsufficientMemoryException("The host can't map a processor's state once more.")
            : (CpuState*)address;
    }

    public void Dispose()
    {
        Release(_state, CpuState.Size);
        _state = null;
        Close(_file);
    }
}
