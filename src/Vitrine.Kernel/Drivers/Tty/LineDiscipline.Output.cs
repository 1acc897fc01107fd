using Vitrine.Kernel.Async;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Drivers.Tty;

/// <content>Output: the modes of c_oflag, and write(2).</content>
internal sealed partial class LineDiscipline
{
    private const int TabWidth = 8;

    /// <summary>What a write takes from its caller at a time.</summary>
    private const int ChunkSize = 2048;

    private readonly WaitQueue _writerWait = new();

    // The column of the cursor, and the one in which the line of input began.
    private uint _column;
    private uint _lineColumn;
    private bool _isWriting;

    /// <summary>Writes what is offered, one writer at a time, waiting for room.</summary>
    public async KTask<Result<long>> WriteAsync(Task current, TtyFile file, IovIter from)
    {
        while (_isWriting)
        {
            if (file.IsNonBlocking)
                return Errno.EAGAIN;
            if (await _writerWait.WaitAsync(current, WaitMode.Interruptible) == WakeReason.Interrupted)
                return Errno.ERESTARTSYS;
        }

        _isWriting = true;
        Result<long> result = await WriteChunksAsync(current, file, from);
        _isWriting = false;
        _writerWait.Wake();
        return result;
    }

    private async KTask<Result<long>> WriteChunksAsync(Task current, TtyFile file, IovIter from)
    {
        byte[] chunk = new byte[(int)Math.Min(from.Remaining, ChunkSize)];
        long done = 0;
        while (from.Remaining > 0)
        {
            int wanted = (int)Math.Min(from.Remaining, chunk.Length);
            int length = from.CopyFrom(chunk.AsSpan(0, wanted));
            if (length == 0)
            {
                Errno fault = await from.FaultInAsync(current, write: false);
                if (fault != Errno.Success)
                    return done > 0 ? done : fault;
                continue;
            }

            Result<int> put = await WriteChunkAsync(current, file, chunk.AsMemory(0, length));
            int count = put.Ok ? put.Value : 0;
            done += count;
            if (count < length)
            {
                from.Revert(length - count);
                return done > 0 || put.Ok ? done : put.Error;
            }
        }

        return done;
    }

    /// <summary>Bytes written; an error only if there were none.</summary>
    private async KTask<Result<int>> WriteChunkAsync(Task current, TtyFile file, ReadOnlyMemory<byte> bytes)
    {
        if (Has(LocalModes.StopBackground) && !file.IsConsole)
        {
            Errno refused = JobControl.Check(current, tty, SignalNumber.TtOu);
            if (refused != Errno.Success)
                return refused;
        }

        FlushEchoes();
        int done = 0;
        for (; ; )
        {
            Errno error = Errno.Success;
            if (current.HasInterruptingWork)
                error = Errno.ERESTARTSYS;
            else if (file.IsHungUp || tty.HasIoError)
                error = Errno.EIO;
            if (error == Errno.Success)
            {
                done += Has(OutputModes.Process) ? Process(bytes.Span[done..]) : tty.Write(bytes.Span[done..]);
                if (done == bytes.Length)
                    return done;
                if (file.IsNonBlocking)
                    error = Errno.EAGAIN;
            }

            if (error != Errno.Success)
            {
                tty.OwesRoomNotice |= !tty.Subscribers.IsEmpty;
                return done > 0 ? done : error;
            }

            _ = await tty.WriteWait.WaitAsync(current, WaitMode.Interruptible);
        }
    }

    /// <summary>Puts out as much as there is room for, with the modes of c_oflag; how many bytes of the text that were.</summary>
    private int Process(ReadOnlySpan<byte> text)
    {
        int done = 0;
        while (done < text.Length)
        {
            int plain = Math.Min(PlainLength(text[done..]), tty.WriteRoom);
            if (plain > 0)
            {
                int put = tty.Write(text.Slice(done, plain));
                Advance(text.Slice(done, put));
                done += put;
                if (put < plain)
                    break;
            }
            else if (TryPut(text[done]))
            {
                done++;
            }
            else
            {
                break;
            }
        }

        return done;
    }

    /// <summary>How many bytes there are that go out as they are.</summary>
    private int PlainLength(ReadOnlySpan<byte> text)
    {
        if (Has(OutputModes.LowerToUpper))
            return 0;
        int length = text.IndexOfAny("\n\r\t\b"u8);
        return length < 0 ? text.Length : length;
    }

    private void Advance(ReadOnlySpan<byte> plain)
    {
        foreach (byte c in plain)
        {
            if (!IsControl(c) && !IsContinuation(c))
                _column++;
        }
    }

    /// <summary>Puts one character out as c_oflag says; false if there is no room for all of it.</summary>
    private bool TryPut(byte c)
    {
        int room = tty.WriteRoom;
        if (room == 0)
            return false;
        switch (c)
        {
            case (byte)'\n':
                if (Has(OutputModes.NewLineReturns))
                    _column = 0;
                if (Has(OutputModes.NewLineToReturnNewLine))
                {
                    if (room < 2)
                        return false;
                    _lineColumn = _column = 0;
                    _ = tty.Write("\r\n"u8);
                    return true;
                }

                _lineColumn = _column;
                break;
            case (byte)'\r':
                if (Has(OutputModes.NoReturnAtColumnZero) && _column == 0)
                    return true;
                if (Has(OutputModes.ReturnToNewLine))
                {
                    c = (byte)'\n';
                    if (Has(OutputModes.NewLineReturns))
                        _lineColumn = _column = 0;
                    break;
                }

                _lineColumn = _column = 0;
                break;
            case (byte)'\t':
                int spaces = (int)(TabWidth - (_column & (TabWidth - 1)));
                if ((tty.Attributes.Output & OutputModes.TabDelay) == OutputModes.ExpandTabs)
                {
                    if (room < spaces)
                        return false;
                    _column += (uint)spaces;
                    _ = tty.Write("        "u8[..spaces]);
                    return true;
                }

                _column += (uint)spaces;
                break;
            case (byte)'\b':
                if (_column > 0)
                    _column--;
                break;
            default:
                if (!IsControl(c))
                {
                    if (Has(OutputModes.LowerToUpper))
                        c = ToUpper(c);
                    if (!IsContinuation(c))
                        _column++;
                }

                break;
        }

        _ = tty.Write([c]);
        return true;
    }
}
