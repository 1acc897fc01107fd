using Iced.Intel;
using Vitrine.Cpu.Execution;
using Vitrine.Cpu.State;

namespace Vitrine.Cpu.X87;

/// <summary>
/// Finds the operation of an x87 instruction code, or of one that handles the extended state. (A waiting form with
/// its 9B prefix is decoded as two instructions.)
/// </summary>
internal static unsafe class X87Table
{
    /// <summary>The operation, or one that isn't known.</summary>
    public static VectorOperation Find(Code code)
    {
        if (code is < Code.Fadd_m32fp or > Code.Fcomip_st0_sti)
            return FindState(code);
        if (code <= Code.Fcos)
            return Low(code);
        return code <= Code.Fcomi_st0_sti ? Middle(code) : High(code);
    }

    private static VectorOperation FindState(Code code) => code switch
    {
        Code.Wait => Control(&X87Control.NoOperation),
        Code.Emms => Control(&X87Control.Emms),
        Code.Ldmxcsr_m32 => new(&ExtendedState.Ldmxcsr, VectorTraits.Reads | VectorTraits.MayFault, 4),
        Code.Stmxcsr_m32 => new(&ExtendedState.Stmxcsr, VectorTraits.Writes, 4),
        Code.Fxsave_m512byte => new(&ExtendedState.Fxsave, VectorTraits.Writes | VectorTraits.Aligned, 512),
        Code.Fxsave64_m512byte => new(&ExtendedState.Fxsave64, VectorTraits.Writes | VectorTraits.Aligned, 512),
        Code.Fxrstor_m512byte => new(&ExtendedState.Fxrstor, VectorTraits.Reads | VectorTraits.Aligned | VectorTraits.MayFault, 512),
        Code.Fxrstor64_m512byte => new(&ExtendedState.Fxrstor64, VectorTraits.Reads | VectorTraits.Aligned | VectorTraits.MayFault, 512),
        _ => default,
    };

    private const VectorTraits Computes = VectorTraits.WaitsForX87 | VectorTraits.RecordsX87Pointers;

    private static VectorOperation Stack(delegate*<CpuState*, void*, void*, byte, void> function) => new(function, Computes, 0);

    private static VectorOperation Read(delegate*<CpuState*, void*, void*, byte, void> function, ushort size) =>
        new(function, Computes | VectorTraits.Reads, size);

    private static VectorOperation Write(delegate*<CpuState*, void*, void*, byte, void> function, ushort size) =>
        new(function, Computes | VectorTraits.Writes, size);

    private static VectorOperation Control(delegate*<CpuState*, void*, void*, byte, void> function) => new(function, VectorTraits.WaitsForX87, 0);

    private static VectorOperation ControlRead(delegate*<CpuState*, void*, void*, byte, void> function, ushort size) =>
        new(function, VectorTraits.WaitsForX87 | VectorTraits.Reads, size);

    private static VectorOperation Unwaiting(delegate*<CpuState*, void*, void*, byte, void> function) => new(function, VectorTraits.None, 0);

    private static VectorOperation UnwaitingWrite(delegate*<CpuState*, void*, void*, byte, void> function, ushort size) =>
        new(function, VectorTraits.Writes, size);

    /// <summary>Rows D8 and D9.</summary>
    private static VectorOperation Low(Code code) => code switch
    {
        Code.Fadd_m32fp => Read(&X87BasicInstructions.FaddSingle, 4),
        Code.Fmul_m32fp => Read(&X87BasicInstructions.FmulSingle, 4),
        Code.Fcom_m32fp => Read(&X87Compare.FcomSingle, 4),
        Code.Fcomp_m32fp => Read(&X87Compare.FcompSingle, 4),
        Code.Fsub_m32fp => Read(&X87BasicInstructions.FsubSingle, 4),
        Code.Fsubr_m32fp => Read(&X87BasicInstructions.FsubrSingle, 4),
        Code.Fdiv_m32fp => Read(&X87BasicInstructions.FdivSingle, 4),
        Code.Fdivr_m32fp => Read(&X87BasicInstructions.FdivrSingle, 4),
        Code.Fadd_st0_sti => Stack(&X87BasicInstructions.Fadd),
        Code.Fmul_st0_sti => Stack(&X87BasicInstructions.Fmul),
        Code.Fcom_st0_sti => Stack(&X87Compare.Fcom),
        Code.Fcomp_st0_sti => Stack(&X87Compare.Fcomp),
        Code.Fsub_st0_sti => Stack(&X87BasicInstructions.Fsub),
        Code.Fsubr_st0_sti => Stack(&X87BasicInstructions.Fsubr),
        Code.Fdiv_st0_sti => Stack(&X87BasicInstructions.Fdiv),
        Code.Fdivr_st0_sti => Stack(&X87BasicInstructions.Fdivr),
        Code.Fld_m32fp => Read(&X87LoadStore.FldSingle, 4),
        Code.Fst_m32fp => Write(&X87LoadStore.FstSingle, 4),
        Code.Fstp_m32fp => Write(&X87LoadStore.FstpSingle, 4),
        Code.Fldenv_m14byte => ControlRead(&X87Control.Fldenv14, 14),
        Code.Fldenv_m28byte => ControlRead(&X87Control.Fldenv28, 28),
        Code.Fldcw_m2byte => ControlRead(&X87Control.Fldcw, 2),
        Code.Fnstenv_m14byte => UnwaitingWrite(&X87Control.Fnstenv14, 14),
        Code.Fnstenv_m28byte => UnwaitingWrite(&X87Control.Fnstenv28, 28),
        Code.Fnstcw_m2byte => UnwaitingWrite(&X87Control.Fnstcw, 2),
        Code.Fld_sti => Stack(&X87LoadStore.FldRegister),
        Code.Fxch_st0_sti => Stack(&X87LoadStore.Fxch),
        Code.Fnop => Control(&X87Control.NoOperation),
        Code.Fstpnce_sti => Stack(&X87LoadStore.Fstpnce),
        Code.Fchs => Stack(&X87BasicInstructions.Fchs),
        Code.Fabs => Stack(&X87BasicInstructions.Fabs),
        Code.Ftst => Stack(&X87Compare.Ftst),
        Code.Fxam => Stack(&X87Compare.Fxam),
        Code.Fld1 => Stack(&X87LoadStore.Fld1),
        Code.Fldl2t => Stack(&X87LoadStore.Fldl2t),
        Code.Fldl2e => Stack(&X87LoadStore.Fldl2e),
        Code.Fldpi => Stack(&X87LoadStore.Fldpi),
        Code.Fldlg2 => Stack(&X87LoadStore.Fldlg2),
        Code.Fldln2 => Stack(&X87LoadStore.Fldln2),
        Code.Fldz => Stack(&X87LoadStore.Fldz),
        Code.F2xm1 => Stack(&X87Transcendental.F2xm1),
        Code.Fyl2x => Stack(&X87Transcendental.Fyl2x),
        Code.Fptan => Stack(&X87Transcendental.Fptan),
        Code.Fpatan => Stack(&X87Transcendental.Fpatan),
        Code.Fxtract => Stack(&X87Remainder.Fxtract),
        Code.Fprem1 => Stack(&X87Remainder.Fprem1),
        Code.Fdecstp => Control(&X87Control.Fdecstp),
        Code.Fincstp => Control(&X87Control.Fincstp),
        Code.Fprem => Stack(&X87Remainder.Fprem),
        Code.Fyl2xp1 => Stack(&X87Transcendental.Fyl2xp1),
        Code.Fsqrt => Stack(&X87BasicInstructions.Fsqrt),
        Code.Fsincos => Stack(&X87Transcendental.Fsincos),
        Code.Frndint => Stack(&X87Remainder.Frndint),
        Code.Fscale => Stack(&X87Remainder.Fscale),
        Code.Fsin => Stack(&X87Transcendental.Fsin),
        Code.Fcos => Stack(&X87Transcendental.Fcos),
        _ => default,
    };

    /// <summary>Rows DA and DB.</summary>
    private static VectorOperation Middle(Code code) => code switch
    {
        Code.Fiadd_m32int => Read(&X87BasicInstructions.FiaddInt32, 4),
        Code.Fimul_m32int => Read(&X87BasicInstructions.FimulInt32, 4),
        Code.Ficom_m32int => Read(&X87Compare.FicomInt32, 4),
        Code.Ficomp_m32int => Read(&X87Compare.FicompInt32, 4),
        Code.Fisub_m32int => Read(&X87BasicInstructions.FisubInt32, 4),
        Code.Fisubr_m32int => Read(&X87BasicInstructions.FisubrInt32, 4),
        Code.Fidiv_m32int => Read(&X87BasicInstructions.FidivInt32, 4),
        Code.Fidivr_m32int => Read(&X87BasicInstructions.FidivrInt32, 4),
        Code.Fcmovb_st0_sti => Stack(&X87LoadStore.Fcmovb),
        Code.Fcmove_st0_sti => Stack(&X87LoadStore.Fcmove),
        Code.Fcmovbe_st0_sti => Stack(&X87LoadStore.Fcmovbe),
        Code.Fcmovu_st0_sti => Stack(&X87LoadStore.Fcmovu),
        Code.Fucompp => Stack(&X87Compare.Fucompp),
        Code.Fild_m32int => Read(&X87LoadStore.FildInt32, 4),
        Code.Fisttp_m32int => Write(&X87LoadStore.FisttpInt32, 4),
        Code.Fist_m32int => Write(&X87LoadStore.FistInt32, 4),
        Code.Fistp_m32int => Write(&X87LoadStore.FistpInt32, 4),
        Code.Fld_m80fp => Read(&X87LoadStore.FldExtended, 10),
        Code.Fstp_m80fp => Write(&X87LoadStore.FstpExtended, 10),
        Code.Fcmovnb_st0_sti => Stack(&X87LoadStore.Fcmovnb),
        Code.Fcmovne_st0_sti => Stack(&X87LoadStore.Fcmovne),
        Code.Fcmovnbe_st0_sti => Stack(&X87LoadStore.Fcmovnbe),
        Code.Fcmovnu_st0_sti => Stack(&X87LoadStore.Fcmovnu),
        Code.Fneni => Unwaiting(&X87Control.NoOperation),
        Code.Fndisi => Unwaiting(&X87Control.NoOperation),
        Code.Fnclex => Unwaiting(&X87Control.Fnclex),
        Code.Fninit => Unwaiting(&X87Control.Fninit),
        Code.Fnsetpm => Unwaiting(&X87Control.NoOperation),
        Code.Fucomi_st0_sti => Stack(&X87Compare.Fucomi),
        Code.Fcomi_st0_sti => Stack(&X87Compare.Fcomi),
        _ => default,
    };

    /// <summary>Rows DC–DF.</summary>
    private static VectorOperation High(Code code) => code switch
    {
        Code.Fadd_m64fp => Read(&X87BasicInstructions.FaddDouble, 8),
        Code.Fmul_m64fp => Read(&X87BasicInstructions.FmulDouble, 8),
        Code.Fcom_m64fp => Read(&X87Compare.FcomDouble, 8),
        Code.Fcomp_m64fp => Read(&X87Compare.FcompDouble, 8),
        Code.Fsub_m64fp => Read(&X87BasicInstructions.FsubDouble, 8),
        Code.Fsubr_m64fp => Read(&X87BasicInstructions.FsubrDouble, 8),
        Code.Fdiv_m64fp => Read(&X87BasicInstructions.FdivDouble, 8),
        Code.Fdivr_m64fp => Read(&X87BasicInstructions.FdivrDouble, 8),
        Code.Fadd_sti_st0 => Stack(&X87BasicInstructions.FaddToOther),
        Code.Fmul_sti_st0 => Stack(&X87BasicInstructions.FmulToOther),
        Code.Fcom_st0_sti_DCD0 => Stack(&X87Compare.Fcom),
        Code.Fcomp_st0_sti_DCD8 => Stack(&X87Compare.Fcomp),
        Code.Fsubr_sti_st0 => Stack(&X87BasicInstructions.FsubrToOther),
        Code.Fsub_sti_st0 => Stack(&X87BasicInstructions.FsubToOther),
        Code.Fdivr_sti_st0 => Stack(&X87BasicInstructions.FdivrToOther),
        Code.Fdiv_sti_st0 => Stack(&X87BasicInstructions.FdivToOther),
        Code.Fld_m64fp => Read(&X87LoadStore.FldDouble, 8),
        Code.Fisttp_m64int => Write(&X87LoadStore.FisttpInt64, 8),
        Code.Fst_m64fp => Write(&X87LoadStore.FstDouble, 8),
        Code.Fstp_m64fp => Write(&X87LoadStore.FstpDouble, 8),
        Code.Frstor_m94byte => ControlRead(&X87Control.Frstor94, 94),
        Code.Frstor_m108byte => ControlRead(&X87Control.Frstor108, 108),
        Code.Fnsave_m94byte => UnwaitingWrite(&X87Control.Fnsave94, 94),
        Code.Fnsave_m108byte => UnwaitingWrite(&X87Control.Fnsave108, 108),
        Code.Fnstsw_m2byte => UnwaitingWrite(&X87Control.Fnstsw, 2),
        Code.Ffree_sti => Control(&X87Control.Ffree),
        Code.Fxch_st0_sti_DDC8 => Stack(&X87LoadStore.Fxch),
        Code.Fst_sti => Stack(&X87LoadStore.FstRegister),
        Code.Fstp_sti => Stack(&X87LoadStore.FstpRegister),
        Code.Fucom_st0_sti => Stack(&X87Compare.Fucom),
        Code.Fucomp_st0_sti => Stack(&X87Compare.Fucomp),
        Code.Fiadd_m16int => Read(&X87BasicInstructions.FiaddInt16, 2),
        Code.Fimul_m16int => Read(&X87BasicInstructions.FimulInt16, 2),
        Code.Ficom_m16int => Read(&X87Compare.FicomInt16, 2),
        Code.Ficomp_m16int => Read(&X87Compare.FicompInt16, 2),
        Code.Fisub_m16int => Read(&X87BasicInstructions.FisubInt16, 2),
        Code.Fisubr_m16int => Read(&X87BasicInstructions.FisubrInt16, 2),
        Code.Fidiv_m16int => Read(&X87BasicInstructions.FidivInt16, 2),
        Code.Fidivr_m16int => Read(&X87BasicInstructions.FidivrInt16, 2),
        Code.Faddp_sti_st0 => Stack(&X87BasicInstructions.Faddp),
        Code.Fmulp_sti_st0 => Stack(&X87BasicInstructions.Fmulp),
        Code.Fcomp_st0_sti_DED0 => Stack(&X87Compare.Fcomp),
        Code.Fcompp => Stack(&X87Compare.Fcompp),
        Code.Fsubrp_sti_st0 => Stack(&X87BasicInstructions.Fsubrp),
        Code.Fsubp_sti_st0 => Stack(&X87BasicInstructions.Fsubp),
        Code.Fdivrp_sti_st0 => Stack(&X87BasicInstructions.Fdivrp),
        Code.Fdivp_sti_st0 => Stack(&X87BasicInstructions.Fdivp),
        Code.Fild_m16int => Read(&X87LoadStore.FildInt16, 2),
        Code.Fisttp_m16int => Write(&X87LoadStore.FisttpInt16, 2),
        Code.Fist_m16int => Write(&X87LoadStore.FistInt16, 2),
        Code.Fistp_m16int => Write(&X87LoadStore.FistpInt16, 2),
        Code.Fbld_m80bcd => Read(&X87LoadStore.Fbld, 10),
        Code.Fild_m64int => Read(&X87LoadStore.FildInt64, 8),
        Code.Fbstp_m80bcd => Write(&X87LoadStore.Fbstp, 10),
        Code.Fistp_m64int => Write(&X87LoadStore.FistpInt64, 8),
        Code.Ffreep_sti => Control(&X87Control.Ffreep),
        Code.Fxch_st0_sti_DFC8 => Stack(&X87LoadStore.Fxch),
        Code.Fstp_sti_DFD0 => Stack(&X87LoadStore.FstpRegister),
        Code.Fstp_sti_DFD8 => Stack(&X87LoadStore.FstpRegister),
        Code.Fnstsw_AX => Unwaiting(&X87Control.FnstswAx),
        Code.Fucomip_st0_sti => Stack(&X87Compare.Fucomip),
        Code.Fcomip_st0_sti => Stack(&X87Compare.Fcomip),
        _ => default,
    };
}
