using Vitrine.Cpu.State;
using Vitrine.Cpu.Translation;

namespace Vitrine.Cpu;

/// <summary>
/// The processor's side of shootdown. <c>_residence</c> says who may touch its caches: the thread that runs it
/// while it is in guest code, or, while it isn't, whoever seizes it.
/// </summary>
internal sealed unsafe partial class VirtualProcessor
{
    private const int Outside = 0;
    private const int InGuest = 1;
    private const int Seized = 2;

    private const int SlotCount = 6;

    private readonly AddressSpaceSlot[] _slots = new AddressSpaceSlot[SlotCount];
    private AddressSpaceSlot? _current;
    private ulong _uses;
    private int _residence;
    private ShootdownRequest _request;
    private int _requestPending;

    /// <summary>Gives the processor something to forget; at once if it is outside guest code.</summary>
    internal void Post(in ShootdownRequest request)
    {
        if (Interlocked.CompareExchange(ref _residence, Seized, Outside) == Outside)
        {
            Forget(request);
            Volatile.Write(ref _residence, Outside);
            return;
        }

        _request = request;
        Volatile.Write(ref _requestPending, 1);
        Attract(AttentionBits.Flush);
    }

    /// <summary>Waits until what was posted is forgotten.</summary>
    internal void AwaitAcknowledgement()
    {
        SpinWait spin = default;
        while (Volatile.Read(ref _requestPending) != 0)
        {
            if (Interlocked.CompareExchange(ref _residence, Seized, Outside) == Outside)
            {
                // It left guest code without having looked.
                if (Volatile.Read(ref _requestPending) != 0)
                {
                    Forget(_request);
                    Volatile.Write(ref _requestPending, 0);
                }

                Volatile.Write(ref _residence, Outside);
                return;
            }

            spin.SpinOnce(sleep1Threshold: -1);
        }
    }

    internal void Attract(AttentionBits bits) => Interlocked.Or(ref _state->External, (int)bits);

    /// <summary>Waits until the processor is outside guest code and keeps it there.</summary>
    internal void Seize()
    {
        SpinWait spin = default;
        while (Interlocked.CompareExchange(ref _residence, Seized, Outside) != Outside)
            spin.SpinOnce(sleep1Threshold: -1);
    }

    internal void Unseize() => Volatile.Write(ref _residence, Outside);

    private void EnterGuest()
    {
        SpinWait spin = default;
        while (_complex.Stopping || Interlocked.CompareExchange(ref _residence, InGuest, Outside) != Outside)
            spin.SpinOnce(sleep1Threshold: -1);
    }

    private void LeaveGuest() => Volatile.Write(ref _residence, Outside);

    /// <summary>Answers other threads, at a block's end. True: a kick is pending.</summary>
    private bool Attend()
    {
        int bits = Volatile.Read(ref _state->External);
        if ((bits & (int)AttentionBits.Flush) != 0)
        {
            Interlocked.And(ref _state->External, ~(int)AttentionBits.Flush);
            if (Volatile.Read(ref _requestPending) != 0)
            {
                Forget(_request);
                Volatile.Write(ref _requestPending, 0);
            }
        }

        if ((bits & (int)AttentionBits.Stop) != 0)
        {
            Interlocked.And(ref _state->External, ~(int)AttentionBits.Stop);
            LeaveGuest();
            EnterGuest();
        }

        return (bits & (int)AttentionBits.Kick) != 0;
    }

    private void Forget(in ShootdownRequest request)
    {
        foreach (AddressSpaceSlot? slot in _slots)
        {
            if (slot is not { InUse: true })
                continue;
            switch (request.Kind)
            {
                case ShootdownKind.Range:
                    if (slot.Cr3 == request.Cr3)
                        slot.Forget(request.Start, request.Pages);
                    break;
                case ShootdownKind.AddressSpace:
                    if (slot.Cr3 == request.Cr3)
                        slot.Release();
                    break;
                case ShootdownKind.Writable:
                    slot.ForgetWritable((byte*)request.Start);
                    break;
                case ShootdownKind.Jumps:
                    slot.ForgetCode();
                    break;
            }
        }

        Publish();
    }

    /// <summary>Makes the address space current, keeping what is cached of it.</summary>
    private void Select(ulong cr3)
    {
        AddressSpaceSlot? found = null;
        foreach (AddressSpaceSlot? slot in _slots)
        {
            if (slot is { InUse: true } && slot.Cr3 == cr3)
            {
                found = slot;
                break;
            }
        }

        if (found == null)
        {
            int victim = 0;
            for (int i = 0; i < SlotCount; i++)
            {
                AddressSpaceSlot? slot = _slots[i];
                if (slot is not { InUse: true })
                {
                    victim = i;
                    break;
                }

                if (slot.LastUse < _slots[victim].LastUse)
                    victim = i;
            }

            found = _slots[victim] ??= new AddressSpaceSlot();
            found.Assign(cr3, _stateMemory);
        }

        found.LastUse = ++_uses;
        _current = found;
        _state = found.State;
        _state->Cr3 = cr3;
        Publish();
    }

    /// <summary>Lets handlers see the current slot's tables.</summary>
    private void Publish()
    {
        if (_current is not { } slot)
            return;

        // The current address space was flushed as a whole: begin anew.
        if (!slot.InUse)
            slot.Assign(_state->Cr3, _stateMemory);
        _state->Tlb = slot.Tlb;
        _state->JumpCache = slot.Jumps;
        _state->JumpKey = slot.JumpKey;
        _state->ExecutedPages = slot.ExecutedPages;
    }
}
