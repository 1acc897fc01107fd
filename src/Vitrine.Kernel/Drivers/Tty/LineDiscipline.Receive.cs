using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Drivers.Tty;

/// <content>Characters that arrive.</content>
internal sealed partial class LineDiscipline
{
    /// <summary>Modes under which bytes are taken as they are.</summary>
    private bool IsRaw =>
        !Has(InputModes.Strip | InputModes.UpperToLower | InputModes.IgnoreReturn | InputModes.ReturnToNewLine | InputModes.NewLineToReturn
            | InputModes.FlowControlOutput | InputModes.MarkParity)
        && !Has(LocalModes.Canonical | LocalModes.Signals | LocalModes.Echo);

    public int Receive(ReadOnlySpan<byte> bytes)
    {
        int done = 0;
        while (done < bytes.Length)
        {
            int room = Capacity - Count;
            if (Has(InputModes.MarkParity))
                room = (room + 2) / 3;
            room--;
            if (room <= 0)
            {
                // A line that gets too long keeps taking characters in its last place, so that its end can come through.
                bool overflows = IsCanonical && _lineHead == _tail;
                if (overflows && room < 0)
                    _head--;
                room = overflows ? 1 : 0;
            }

            int count = Math.Min(bytes.Length - done, room);
            if (count <= 0)
                break;
            ReadOnlySpan<byte> part = bytes.Slice(done, count);
            if (IsRaw || (IsExternal && !Has(InputModes.Strip | InputModes.UpperToLower)))
            {
                foreach (byte c in part)
                    Enqueue(c);
            }
            else
            {
                foreach (byte c in part)
                    ReceiveCharacter(c);
            }

            done += count;
        }

        FlushEchoes();
        if (done > 0 && !ReadsLines && Count > 0)
            WakeReaders();
        return done;
    }

    /// <summary>A break condition on the line (BRKINT, IGNBRK, PARMRK of termios(3)).</summary>
    public void ReceiveBreak()
    {
        if (Has(InputModes.IgnoreBreak))
            return;
        if (Has(InputModes.BreakInterrupts))
        {
            SendSignal(SignalNumber.Int);
            return;
        }

        if (Has(InputModes.MarkParity))
        {
            Enqueue(0xff);
            Enqueue(0);
        }

        Enqueue(0);
        WakeReaders();
    }

    /// <summary>A byte with a parity or framing error (IGNPAR, INPCK, PARMRK).</summary>
    public void ReceiveDamaged(byte c)
    {
        if (!Has(InputModes.CheckParity))
        {
            ReceiveCharacter(c);
            FlushEchoes();
            if (!ReadsLines)
                WakeReaders();
            return;
        }

        if (Has(InputModes.IgnoreParity))
            return;
        if (Has(InputModes.MarkParity))
        {
            Enqueue(0xff);
            Enqueue(0);
            Enqueue(c);
        }
        else
        {
            Enqueue(0);
        }

        WakeReaders();
    }

    private void WakeReaders()
    {
        tty.Subscribers.Notify(PollReason.In);
        tty.ReadWait.WakeAll((uint)(PollEvents.In | PollEvents.ReadNormal));
    }

    private void Enqueue(byte c)
    {
        ClearLineEnd(_head);
        At(_head) = c;
        _head++;
    }

    private void ReceiveCharacter(byte c)
    {
        if (Has(InputModes.Strip))
            c &= 0x7f;
        if (Has(InputModes.UpperToLower) && Has(LocalModes.Extended))
            c = ToLower(c);
        if (_literalNext)
        {
            _literalNext = false;
            ReceiveOrdinary(c);
        }
        else if (IsExternal)
        {
            Enqueue(c);
        }
        else if (c == Disabled)
        {
            ReceiveOrdinary(c);
        }
        else
        {
            ReceiveMaybeSpecial(c);
        }
    }

    private void ReceiveMaybeSpecial(byte c)
    {
        if (Has(InputModes.FlowControlOutput) && IsFlowControl(c))
            return;
        if (Has(LocalModes.Signals) && SignalOf(c) is { } signal)
        {
            SendSignal(signal);
            if (Has(InputModes.FlowControlOutput))
                tty.Start();
            if (Has(LocalModes.Echo))
                EchoCharacter(c);
            return;
        }

        RestartByAny();
        bool converted = false;
        if (c == '\r')
        {
            if (Has(InputModes.IgnoreReturn))
                return;
            converted = Has(InputModes.ReturnToNewLine);
            if (converted)
                c = (byte)'\n';
        }
        else if (c == '\n' && Has(InputModes.NewLineToReturn))
        {
            c = (byte)'\r';
        }

        if (!IsCanonical || !EditsLine(c))
            ReceiveOrdinary(c, converted);
    }

    /// <summary>A character that means nothing but itself.</summary>
    /// <param name="asNewLine">It is the new line that a return was made into: echoed as such, never as ^J.</param>
    private void ReceiveOrdinary(byte c, bool asNewLine = false)
    {
        RestartByAny();
        if (Has(LocalModes.Echo))
        {
            FinishErasing();
            if (asNewLine)
            {
                EchoRaw(c);
            }
            else
            {
                if (_lineHead == _head)
                    EchoLineStart();
                EchoCharacter(c);
            }
        }

        // A real 0xff is told from a mark by being doubled.
        if (c == 0xff && Has(InputModes.MarkParity))
            Enqueue(c);
        Enqueue(c);
    }

    private bool IsFlowControl(byte c)
    {
        if (c == Character(ControlCharacter.Start))
        {
            tty.Start();
            return true;
        }

        if (c != Character(ControlCharacter.Stop))
            return false;
        tty.Stop();
        return true;
    }

    private SignalNumber? SignalOf(byte c) =>
        c == Character(ControlCharacter.Interrupt) ? SignalNumber.Int
        : c == Character(ControlCharacter.Quit) ? SignalNumber.Quit
        : c == Character(ControlCharacter.Suspend) ? SignalNumber.Tstp
        : null;

    private void RestartByAny()
    {
        if (tty.IsStopped && Has(InputModes.FlowControlOutput) && Has(InputModes.AnyRestarts))
            tty.Start();
    }

    /// <summary>The characters of canonical mode; false if it is none of them.</summary>
    private bool EditsLine(byte c)
    {
        bool extended = Has(LocalModes.Extended);
        if (c == Character(ControlCharacter.Erase) || c == Character(ControlCharacter.Kill)
            || (extended && c == Character(ControlCharacter.WordErase)))
        {
            Erase(c);
            return true;
        }

        if (extended && c == Character(ControlCharacter.LiteralNext))
        {
            _literalNext = true;
            if (Has(LocalModes.Echo))
            {
                FinishErasing();
                if (Has(LocalModes.EchoControl))
                {
                    EchoRaw((byte)'^');
                    EchoRaw((byte)'\b');
                }
            }

            return true;
        }

        if (extended && Has(LocalModes.Echo) && c == Character(ControlCharacter.Reprint))
        {
            FinishErasing();
            EchoCharacter(c);
            EchoRaw((byte)'\n');
            for (uint at = _lineHead; at != _head; at++)
                EchoCharacter(At(at));
            return true;
        }

        if (c == '\n')
        {
            if (Has(LocalModes.Echo | LocalModes.EchoNewLine))
                EchoRaw(c);
            EndLine(c);
            return true;
        }

        if (c == Character(ControlCharacter.EndOfFile))
        {
            EndLine(Disabled);
            return true;
        }

        if (c != Character(ControlCharacter.EndOfLine) && !(extended && c == Character(ControlCharacter.EndOfLine2)))
            return false;
        if (Has(LocalModes.Echo))
        {
            if (_lineHead == _head)
                EchoLineStart();
            EchoCharacter(c);
        }

        if (c == 0xff && Has(InputModes.MarkParity))
            Enqueue(c);
        EndLine(c);
        return true;
    }

    private void EndLine(byte c)
    {
        Enqueue(c);
        MarkLineEnd(_head - 1);
        _lineHead = _head;
        WakeReaders();
    }

    /// <summary>Erases a character, a word or the line, and shows it.</summary>
    private void Erase(byte by)
    {
        if (_head == _lineHead)
            return;
        bool one = by == Character(ControlCharacter.Erase);
        bool word = !one && by == Character(ControlCharacter.WordErase) && Has(LocalModes.Extended);
        if (!one && !word)
        {
            if (!Has(LocalModes.Echo))
            {
                _head = _lineHead;
                return;
            }

            if (!Has(LocalModes.EchoKill) || !Has(LocalModes.EchoKillErases) || !Has(LocalModes.EchoErase))
            {
                _head = _lineHead;
                FinishErasing();
                EchoCharacter(Character(ControlCharacter.Kill));
                if (Has(LocalModes.EchoKill))
                    EchoRaw((byte)'\n');
                return;
            }
        }

        bool seenWord = false;
        while (_head != _lineHead)
        {
            uint at = _head;
            byte c;
            do
            {
                c = At(--at);
            }
            while (IsContinuation(c) && at != _lineHead);

            // Half a character is left alone.
            if (IsContinuation(c))
                break;
            if (word)
            {
                if (IsWord(c))
                    seenWord = true;
                else if (seenWord)
                    break;
            }

            uint end = _head;
            _head = at;
            if (Has(LocalModes.Echo))
                EchoErasure(c, at, end, one);
            if (one)
                break;
        }

        if (_head == _lineHead && Has(LocalModes.Echo))
            FinishErasing();
    }
}
