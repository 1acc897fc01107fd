using Vitrine.Hardware.Host;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Time;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Drivers.Tty;

/// <content>read(2): lines, or bytes by MIN and TIME.</content>
internal sealed partial class LineDiscipline
{
    private const long TimeUnit = Ktime.NanosecondsPerSecond / 10;

    public async KTask<Result<long>> ReadAsync(Task current, TtyFile file, IovIter to)
    {
        Errno error = file.IsConsole ? Errno.Success : JobControl.Check(current, tty, SignalNumber.TtIn);
        if (error != Errno.Success)
            return error;
        tty.NoteInteractiveUse(TerminalUse.Read);

        // MIN > 0: wait for that many, with TIME between two bytes only. MIN = 0: wait for one byte, TIME in all.
        long minimum = 1;
        long between = 0;
        Ktime deadline = Ktime.Never;
        if (!IsCanonical)
        {
            long time = Character(ControlCharacter.Time) * TimeUnit;
            minimum = Character(ControlCharacter.Minimum);
            if (minimum > 0)
            {
                between = time;
            }
            else
            {
                minimum = 1;
                deadline = Deadline(time);
            }
        }

        long done = 0;
        while (to.Remaining > 0)
        {
            if (tty.IsPacketMode && tty.Link!.PendingStatus != PacketStatus.Data)
            {
                if (done == 0)
                    error = await TakeStatusAsync(current, to);
                return done > 0 ? done : error == Errno.Success ? 1 : error;
            }

            if (!HasInput(forPoll: false))
                tty.PumpInput();
            if (!HasInput(forPoll: false))
            {
                if (tty.IsOtherClosed)
                    error = Errno.EIO;
                if (error != Errno.Success || file.IsHungUp || deadline <= current.Kernel.Time.Now)
                    break;
                if (file.IsNonBlocking || to.IsNoWait)
                    error = Errno.EAGAIN;
                else if (await tty.ReadWait.WaitAsync(current, WaitMode.Interruptible, deadline) == WakeReason.Interrupted)
                    error = Errno.ERESTARTSYS;
                if (error != Errno.Success)
                    break;
                continue;
            }

            bool lines = ReadsLines;
            Result<long> copied = lines ? await CopyLineAsync(current, to) : await CopyBytesAsync(current, to, packet: tty.IsPacketMode && done == 0);
            if (!copied.Ok)
            {
                error = copied.Error;
                break;
            }

            done += copied.Value;
            if (lines || done >= minimum || copied.Value == 0)
                break;
            if (between > 0)
                deadline = Deadline(between);
        }

        tty.PumpInput();
        return done > 0 || error == Errno.Success ? done : error;

        Ktime Deadline(long nanoseconds) => new(current.Kernel.Time.Now.Nanoseconds + nanoseconds);
    }

    /// <summary>The rest of a line up to its end, as far as there is room. 0 for an EOF at its start.</summary>
    private async KTask<Result<long>> CopyLineAsync(Task current, IovIter to)
    {
        long done = 0;
        for (; ; )
        {
            uint end = _tail;
            while (end != _lineHead && !EndsLine(end))
                end++;
            bool ends = end != _lineHead;
            bool byEof = ends && At(end) == Disabled;
            int wanted = (int)Math.Min(end - _tail + (ends && !byEof ? 1u : 0), to.Remaining);
            int copied = CopyOut(to, wanted);
            done += copied;
            if (copied < wanted)
            {
                Errno error = await to.FaultInAsync(current, write: true);
                if (error != Errno.Success)
                    return done > 0 ? done : error;

                // Somebody else may have read the rest meanwhile.
                if (_tail == _lineHead || !ReadsLines)
                    return done;
                continue;
            }

            if (byEof && _tail == end)
            {
                ClearLineEnd(end);
                _tail++;
            }

            return done;
        }
    }

    private async KTask<Result<long>> CopyBytesAsync(Task current, IovIter to, bool packet)
    {
        // An EOF that the other side has processed: it alone is the end of the file.
        if (IsExternal && IsCanonical && Count == 1 && At(_tail) == Character(ControlCharacter.EndOfFile))
        {
            _tail++;
            return 0;
        }

        long done = 0;
        while (packet)
        {
            int put = to.CopyTo([(byte)PacketStatus.Data]);
            done += put;
            packet = put == 0;
            Errno error = packet ? await to.FaultInAsync(current, write: true) : Errno.Success;
            if (error != Errno.Success)
                return error;
        }

        while (Count > 0 && to.Remaining > 0)
        {
            int wanted = (int)Math.Min(Count, to.Remaining);
            int copied = CopyOut(to, wanted);
            done += copied;
            if (copied == wanted)
                break;
            Errno error = await to.FaultInAsync(current, write: true);
            if (error != Errno.Success)
                return done > 0 ? done : error;
        }

        return done;
    }

    /// <summary>Moves bytes from the ring to the reader; fewer if the reader's memory isn't there.</summary>
    private int CopyOut(IovIter to, int count)
    {
        int done = 0;
        while (done < count)
        {
            int start = (int)(_tail & (Capacity - 1));
            int piece = Math.Min(count - done, Capacity - start);
            int copied = to.CopyTo(_ring.AsSpan(start, piece));
            for (int i = 0; i < copied; i++)
                ClearLineEnd(_tail++);
            done += copied;
            if (copied < piece)
                break;
        }

        // In raw mode there are no lines: what comes when they are back begins here.
        if ((int)(_lineHead - _tail) < 0)
            _lineHead = _tail;
        return done;
    }

    private async KTask<Errno> TakeStatusAsync(Task current, IovIter to)
    {
        for (; ; )
        {
            PacketStatus status = tty.Link!.PendingStatus;
            if (to.CopyTo([(byte)status]) == 1)
            {
                tty.Link.PendingStatus = PacketStatus.Data;
                return Errno.Success;
            }

            Errno error = await to.FaultInAsync(current, write: true);
            if (error != Errno.Success)
                return error;
        }
    }
}
