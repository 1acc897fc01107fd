using Iced.Intel;

namespace Vitrine.Cpu.Decoding;

/// <summary>What the two operands of an instruction are, destination first.</summary>
internal enum OperandForm
{
    RegisterRegister,
    RegisterImmediate,
    RegisterMemory,
    MemoryRegister,
    MemoryImmediate,
    Other,
}

internal static class OperandForms
{
    public static OperandForm Of(in Instruction i)
    {
        OpKind second = i.Op1Kind;
        if (i.Op0Kind == OpKind.Register)
        {
            return second switch
            {
                OpKind.Register => OperandForm.RegisterRegister,
                OpKind.Memory => OperandForm.RegisterMemory,
                >= OpKind.Immediate8 and <= OpKind.Immediate32to64 => OperandForm.RegisterImmediate,
                _ => OperandForm.Other,
            };
        }

        if (i.Op0Kind == OpKind.Memory)
        {
            return second switch
            {
                OpKind.Register => OperandForm.MemoryRegister,
                >= OpKind.Immediate8 and <= OpKind.Immediate32to64 => OperandForm.MemoryImmediate,
                _ => OperandForm.Other,
            };
        }

        return OperandForm.Other;
    }
}
