using System.Runtime.InteropServices;
using Vitrine.Cpu;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Syscalls.Process;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Syscalls.Ptrace;

/// <summary>PTRACE_GET_SYSCALL_INFO, and what a task has registered about its system calls and restartable sequences.</summary>
internal static class PtraceSyscalls
{
    private const int SyscallStop = (int)SignalNumber.Trap | 0x80;

    /// <summary>What the system call is that the tracee stops at; only stops that PTRACE_O_TRACESYSGOOD marks are told apart.</summary>
    public static async KTask<SyscallResult> GetInfoAsync(Task current, Task child, ulong room, VirtAddr to)
    {
        (PtraceSyscallInfo info, int size) = Describe(child);
        byte[] bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<PtraceSyscallInfo>(in info)).ToArray();
        Errno error = await current.WriteUserBytesAsync(to, bytes[..(int)Math.Min((ulong)size, room)]);
        return error != Errno.Success ? error : size;
    }

    public static async KTask<SyscallResult> GetRseqAsync(Task current, Task child, ulong room, VirtAddr to)
    {
        var configuration = new PtraceRseqConfiguration
        {
            Area = child.Rseq.Address.Value,
            Length = child.Rseq.Length,
            Signature = child.Rseq.Signature,
        };
        byte[] bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<PtraceRseqConfiguration>(in configuration)).ToArray();
        Errno error = await current.WriteUserBytesAsync(to, bytes[..(int)Math.Min((ulong)bytes.Length, room)]);
        return error != Errno.Success ? error : bytes.Length;
    }

    public static async KTask<SyscallResult> GetUserDispatchAsync(Task current, Task child, ulong size, UserPtr<PtraceUserDispatch> to)
    {
        if (size != PtraceUserDispatch.Size)
            return Errno.EINVAL;
        UserDispatch? set = child.CurrentUserDispatch;
        return await current.WriteUserAsync(to, new PtraceUserDispatch
        {
            Mode = set is null ? 0u : 1u,
            Selector = set?.Selector.Value ?? 0,
            Offset = set?.Offset ?? 0,
            Length = set?.Length ?? 0,
        });
    }

    public static async KTask<SyscallResult> SetUserDispatchAsync(Task current, Task child, ulong size, UserPtr<PtraceUserDispatch> from)
    {
        if (size != PtraceUserDispatch.Size)
            return Errno.EINVAL;
        Result<PtraceUserDispatch> read = await current.ReadUserAsync(from);
        if (!read.TryGet(out PtraceUserDispatch wanted, out Errno error))
            return error;
        return PrctlCalls.SetUserDispatch(child, wanted.Mode, wanted.Offset, wanted.Length, new VirtAddr(wanted.Selector));
    }

    private static unsafe (PtraceSyscallInfo Info, int Size) Describe(Task child)
    {
        RegisterFile* r = child.Registers;
        Tracee tracee = child.Tracee!;
        var info = new PtraceSyscallInfo
        {
            Arch = PtraceSyscallInfo.ArchX64,
            InstructionPointer = r->Rip,
            StackPointer = r->Rsp,
        };
        if (!tracee.HasInfo || tracee.Info.Code != SyscallStop)
            return (info, PtraceSyscallInfo.NoneSize);
        if (tracee.Stop == TraceStop.SyscallEntry)
        {
            info.Op = PtraceSyscallInfo.OpEntry;
            info.Number = (ulong)(long)child.SyscallNumber;
            (info.Argument0, info.Argument1, info.Argument2) = (r->Rdi, r->Rsi, r->Rdx);
            (info.Argument3, info.Argument4, info.Argument5) = (r->R10, r->R8, r->R9);
            return (info, PtraceSyscallInfo.EntrySize);
        }

        info.Op = PtraceSyscallInfo.OpExit;
        info.ReturnValue = (long)r->Rax;
        info.IsError = info.ReturnValue is < 0 and >= -4095 ? (byte)1 : (byte)0;
        return (info, PtraceSyscallInfo.ExitSize);
    }
}
