using System.Buffers.Binary;
using System.Runtime.InteropServices;
using Vitrine.Cpu;

namespace Vitrine.Kernel.Signals;

/// <summary>
/// The stack frame of a signal handler, struct rt_sigframe of x86-64 as Linux lays it out: return address, ucontext,
/// siginfo; the FPU state (<see cref="FpuStateArea"/>) lies above it, 64-byte aligned. Only conversion between
/// bytes and registers; reading and writing user memory is the caller's.
/// </summary>
internal static unsafe class SignalFrame
{
    public const int Size = 440;

    /// <summary>Bytes below RSP that code may use without moving it.</summary>
    public const ulong RedZone = 128;

    public const int ContextOffset = 8;
    public const int InfoOffset = 312;

    private const ulong FpXstate = 1;
    private const ulong SigcontextSs = 2;
    private const ulong StrictRestoreSs = 4;

    // Offsets within the frame: ucontext's fields, then sigcontext's.
    private const int Flags = ContextOffset;
    private const int Stack = ContextOffset + 16;
    private const int Machine = ContextOffset + 40;
    private const int FpuPointer = Machine + 184;
    private const int Mask = Machine + 256;

    // gregs order of sigcontext: r8–r15, di, si, bp, bx, dx, ax, cx, sp, ip, flags.
    private static ReadOnlySpan<byte> RegisterOrder => [8, 9, 10, 11, 12, 13, 14, 15, 7, 6, 5, 3, 2, 0, 1, 4];

    // What user code may change in the flags: AC OF DF TF SF ZF AF PF CF RF.
    private const ulong UserFlags = 0x50DD5;

    /// <summary>Fills the frame.</summary>
    public static void Write(
        Span<byte> frame,
        RegisterFile* registers,
        in SignalInfo info,
        in SignalAction action,
        SignalSet oldMask,
        in SignalStack stack,
        (ulong Vector, ulong ErrorCode, ulong Address) fault,
        ulong fpuAddress)
    {
        frame.Clear();
        Put(frame, 0, action.Restorer);
        Put(frame, Flags, FpXstate | SigcontextSs | StrictRestoreSs);
        MemoryMarshal.Write(frame[Stack..], in stack);
        for (int i = 0; i < RegisterOrder.Length; i++)
            Put(frame, Machine + (i * 8), registers->Gpr[RegisterOrder[i]]);
        Put(frame, Machine + 128, registers->Rip);
        Put(frame, Machine + 136, registers->Rflags);
        Put(frame, Machine + 144, registers->Cs | (ulong)registers->Ss << 48);
        Put(frame, Machine + 152, fault.ErrorCode);
        Put(frame, Machine + 160, fault.Vector);
        Put(frame, Machine + 168, oldMask.Bits);
        Put(frame, Machine + 176, fault.Address);
        Put(frame, FpuPointer, fpuAddress);
        Put(frame, Mask, oldMask.Bits);
        MemoryMarshal.Write(frame[InfoOffset..], in info);
    }

    /// <summary>Takes the general registers out of a frame. What user code must not choose keeps its value.</summary>
    /// <returns>The address of the FPU state; 0: none.</returns>
    public static ulong Read(ReadOnlySpan<byte> frame, RegisterFile* registers, out SignalSet mask, out SignalStack stack)
    {
        for (int i = 0; i < RegisterOrder.Length; i++)
            registers->Gpr[RegisterOrder[i]] = Get(frame, Machine + (i * 8));
        registers->Rip = Get(frame, Machine + 128);
        registers->Rflags = (registers->Rflags & ~UserFlags) | (Get(frame, Machine + 136) & UserFlags);
        mask = new SignalSet(Get(frame, Mask));
        stack = MemoryMarshal.Read<SignalStack>(frame[Stack..]);
        return Get(frame, FpuPointer);
    }

    /// <summary>The FPU state that a handler starts with.</summary>
    public static void ResetFpu(RegisterFile* registers)
    {
        registers->FpuControl = 0x37f;
        registers->FpuStatus = 0;
        registers->FpuTag = 0;
        registers->FpuOpcode = 0;
        registers->FpuIp = registers->FpuDp = 0;
        registers->Mxcsr = 0x1f80;
        for (int i = 0; i < 16; i++)
            registers->St[i] = 0;
        for (int i = 0; i < 64; i++)
            registers->Ymm[i] = 0;
    }

    private static void Put(Span<byte> bytes, int offset, ulong value) => BinaryPrimitives.WriteUInt64LittleEndian(bytes[offset..], value);

    private static ulong Get(ReadOnlySpan<byte> bytes, int offset) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[offset..]);
}
