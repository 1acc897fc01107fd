namespace Vitrine.Kernel.Tasks.Exec;

/// <summary>Entries of the auxiliary vector (getauxval(3)).</summary>
internal enum AuxiliaryType : ulong
{
    Null = 0,
    ProgramHeaders = 3,
    ProgramHeaderSize = 4,
    ProgramHeaderCount = 5,
    PageSize = 6,
    InterpreterBase = 7,
    Flags = 8,
    Entry = 9,
    Uid = 11,
    EffectiveUid = 12,
    Gid = 13,
    EffectiveGid = 14,
    Platform = 15,
    HardwareCapabilities = 16,
    ClockTicks = 17,
    Secure = 23,
    Random = 25,
    HardwareCapabilities2 = 26,
    RseqFeatureSize = 27,
    RseqAlignment = 28,
    ExecutableName = 31,
    SysinfoHeader = 33,
    MinimumSignalStack = 51,
}
