using System.Buffers.Binary;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Mm;
using Vitrine.Kernel.Signals;

namespace Vitrine.Kernel.Tasks;

/// <content>
/// Restartable sequences: after a task was preempted, moved or signalled its area tells the processor, and a critical
/// section that it was in is left through its abort handler.
/// </content>
internal sealed partial class Task
{
    private const int CriticalSectionOffset = 8;
    private const int CriticalSectionSize = 32;

    public RseqArea Rseq { get; set; }

    /// <summary>The task gets a processor: what its area says may no longer be true.</summary>
    internal void SwitchedIn(int processor)
    {
        if (Rseq.IsRegistered)
            Work |= TaskWork.Rseq;
        Sched.Processor = processor;
    }

    private async KTask UpdateRseqAsync()
    {
        if (!Rseq.IsRegistered || Mm is null)
            return;
        if (!await FixRseqAsync() || !await WriteRseqIdsAsync(Sched.Processor))
            SignalSender.Force(this, SignalInfo.FromKernel(SignalNumber.Segv));
    }

    /// <summary>Writes cpu_id_start, cpu_id, node_id and mm_cid.</summary>
    internal async KTask<bool> WriteRseqIdsAsync(int processor)
    {
        uint cpu = processor < 0 ? uint.MaxValue : (uint)processor;
        // cpu_id_start must always be a valid number; without registration cpu_id is −1 (uninitialised).
        ulong ids = (processor < 0 ? 0 : cpu) | ((ulong)cpu << 32);
        if (await WriteUserAsync(new UserPtr<ulong>(Rseq.Address), ids) != Errno.Success)
            return false;
        return await WriteUserAsync(new UserPtr<ulong>(Rseq.Address + 20), (ulong)(processor < 0 ? 0 : cpu) << 32) == Errno.Success;
    }

    /// <summary>
    /// If the instruction pointer is inside the registered critical section, moves it to the abort handler. False if the
    /// area, the descriptor or the signature is not as it must be.
    /// </summary>
    private async KTask<bool> FixRseqAsync()
    {
        var pointerAt = new UserPtr<ulong>(Rseq.Address + CriticalSectionOffset);
        Result<ulong> pointer = await ReadUserAsync(pointerAt);
        if (!pointer.TryGet(out ulong section, out _))
            return false;
        if (section == 0)
            return true;
        if (section >= MmStruct.TaskSize)
            return false;
        byte[] bytes = new byte[CriticalSectionSize];
        if (await ReadUserBytesAsync(new VirtAddr(section), bytes) != Errno.Success)
            return false;
        uint version = BinaryPrimitives.ReadUInt32LittleEndian(bytes);
        uint flags = BinaryPrimitives.ReadUInt32LittleEndian(bytes.AsSpan(4));
        ulong start = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(8));
        ulong length = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(16));
        ulong abort = BinaryPrimitives.ReadUInt64LittleEndian(bytes.AsSpan(24));
        if (start >= MmStruct.TaskSize || start + length >= MmStruct.TaskSize || abort >= MmStruct.TaskSize
            || version > 0 || start + length < start || abort - start < length || abort < 4)
        {
            return false;
        }

        Result<uint> signature = await ReadUserAsync(new UserPtr<uint>(new VirtAddr(abort - 4)));
        if (!signature.TryGet(out uint found, out _) || found != Rseq.Signature)
            return false;
        if (flags != 0)
            return false;
        // Outside: the pointer is stale and is cleared lazily, here.
        bool inside = InstructionPointer() - start < length;
        if (await WriteUserAsync(pointerAt, 0UL) != Errno.Success)
            return false;
        if (inside)
            JumpTo(abort);
        return true;
    }

    private unsafe ulong InstructionPointer() => Registers->Rip;

    private unsafe void JumpTo(ulong address) => Registers->Rip = address;
}
