using Vitrine.Cpu.State;
namespace Vitrine.Cpu.X87;
internal static unsafe class X87Transcendental
{
    public static void F2xm1(CpuState* state, void* dst, void* src, byte imm) { }
    public static void Fyl2x(CpuState* state, void* dst, void* src, byte imm) { }
    public static void Fptan(CpuState* state, void* dst, void* src, byte imm) { }
    public static void Fpatan(CpuState* state, void* dst, void* src, byte imm) { }
    public static void Fyl2xp1(CpuState* state, void* dst, void* src, byte imm) { }
    public static void Fsin(CpuState* state, void* dst, void* src, byte imm) { }
    public static void Fcos(CpuState* state, void* dst, void* src, byte imm) { }
    public static void Fsincos(CpuState* state, void* dst, void* src, byte imm) { }
}
