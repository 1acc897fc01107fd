using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Vitrine.Abi;

/// <summary>prctl(2) operations that this kernel answers.</summary>
internal enum ProcessControl
{
    SetParentDeathSignal = 1,
    GetParentDeathSignal = 2,
    GetDumpable = 3,
    SetDumpable = 4,
    GetKeepCapabilities = 7,
    SetKeepCapabilities = 8,
    GetTiming = 13,
    SetTiming = 14,
    SetName = 15,
    GetName = 16,
    GetSeccomp = 21,
    SetSeccomp = 22,
    CapabilityBoundingRead = 23,
    CapabilityBoundingDrop = 24,
    GetTsc = 25,
    SetTsc = 26,
    GetSecureBits = 27,
    SetSecureBits = 28,
    SetTimerSlack = 29,
    GetTimerSlack = 30,
    SetMm = 35,
    SetChildSubreaper = 36,
    GetChildSubreaper = 37,
    SetNoNewPrivileges = 38,
    GetNoNewPrivileges = 39,
    GetTidAddress = 40,
    SetThpDisable = 41,
    GetThpDisable = 42,
    CapabilityAmbient = 47,
    GetSpeculation = 52,
    SetSpeculation = 53,
    SetSyscallUserDispatch = 59,
    SetVma = 0x53564d41,
    SetPtracer = 0x59616d61,
}

/// <summary>arch_prctl(2) operations.</summary>
internal enum ArchControl : uint
{
    SetGs = 0x1001,
    SetFs = 0x1002,
    GetFs = 0x1003,
    GetGs = 0x1004,
    GetCpuid = 0x1011,
    SetCpuid = 0x1012,
    GetStateSupported = 0x1021,
    GetStatePermitted = 0x1022,
    RequestStatePermission = 0x1023,
    GetGuestStatePermitted = 0x1024,
    RequestGuestStatePermission = 0x1025,
}

/// <summary>struct new_utsname: six strings of 65 bytes.</summary>
[InlineArray(6 * FieldLength)]
internal struct UtsName
{
    public const int FieldLength = 65;

    private byte _first;

    /// <summary>Sets a field: 0 sysname, 1 nodename, 2 release, 3 version, 4 machine, 5 domainname.</summary>
    public void Set(int field, string value)
    {
        Span<byte> bytes = ((Span<byte>)this).Slice(field * FieldLength, FieldLength);
        bytes.Clear();
        int length = Math.Min(value.Length, FieldLength - 1);
        System.Text.Encoding.UTF8.GetBytes(value.AsSpan(0, length), bytes[..(FieldLength - 1)]);
    }
}

/// <summary>struct sysinfo of x86-64: 112 bytes.</summary>
[StructLayout(LayoutKind.Sequential, Size = 112)]
internal struct SystemInformation
{
    public long Uptime;
    public ulong Load1;
    public ulong Load5;
    public ulong Load15;
    public ulong TotalRam;
    public ulong FreeRam;
    public ulong SharedRam;
    public ulong BufferRam;
    public ulong TotalSwap;
    public ulong FreeSwap;
    public ushort Processes;
    public ushort Padding;
    public ulong TotalHigh;
    public ulong FreeHigh;
    public uint Unit;
}

/// <summary>struct tms.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct ProcessTimes(long User, long System, long ChildrenUser, long ChildrenSystem);

/// <summary>Header of capget and capset.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct CapabilityHeader(uint Version, int Pid);

/// <summary>Capability sets of version 3: low halves, then high halves.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct CapabilityData(
    uint EffectiveLow, uint PermittedLow, uint InheritableLow, uint EffectiveHigh, uint PermittedHigh, uint InheritableHigh);
