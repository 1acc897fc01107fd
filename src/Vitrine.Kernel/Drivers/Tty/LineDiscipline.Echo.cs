namespace Vitrine.Kernel.Drivers.Tty;

/// <content>
/// Echo. What is to be echoed waits in a queue of steps, since how a step looks depends on the column in which it comes
/// out, and the output may be stopped or full; the oldest steps are dropped when the queue overflows.
/// </content>
internal sealed partial class LineDiscipline
{
    private const int EchoCapacity = 4096;

    /// <summary>A tab's erasure: set where another tab is before it in the line.</summary>
    private const byte BehindTab = 0x80;

    private ushort[]? _echoes;
    private uint _echoHead;
    private uint _echoTail;
    private bool _isEchoing;

    /// <summary>What a step does; its low byte is the character or number.</summary>
    private enum EchoStep
    {
        /// <summary>The character, through output processing.</summary>
        Character = 0,

        /// <summary>A control character as ^X.</summary>
        Control = 0x100,

        /// <summary>Remember the column: the line of input begins here.</summary>
        LineStart = 0x200,

        /// <summary>Something that was printed takes no place.</summary>
        StepBack = 0x300,

        /// <summary>Go back over a tab, by the width of what is before it.</summary>
        EraseTab = 0x400,
    }

    /// <summary>Writes out what is to be echoed, as far as there is room.</summary>
    private void FlushEchoes()
    {
        // What is echoed may make room at the other end, which comes back here.
        if (_isEchoing)
            return;
        _isEchoing = true;
        while (_echoTail != _echoHead && TryEcho(_echoes![_echoTail & (EchoCapacity - 1)]))
            _echoTail++;
        _isEchoing = false;
    }

    private void ResetEchoes() => _echoTail = _echoHead = 0;

    private void Echo(EchoStep step, byte value = 0)
    {
        _echoes ??= new ushort[EchoCapacity];
        if (_echoHead - _echoTail == EchoCapacity)
        {
            FlushEchoes();
            if (_echoHead - _echoTail == EchoCapacity)
                _echoTail++;
        }

        _echoes[_echoHead++ & (EchoCapacity - 1)] = (ushort)((int)step | value);
    }

    private void EchoRaw(byte c) => Echo(EchoStep.Character, c);

    private void EchoCharacter(byte c) =>
        Echo(Has(LocalModes.EchoControl) && IsControl(c) && c != '\t' ? EchoStep.Control : EchoStep.Character, c);

    private void EchoLineStart() => Echo(EchoStep.LineStart);

    /// <summary>Ends an erasure that is shown by printing what was erased (ECHOPRT).</summary>
    private void FinishErasing()
    {
        if (!_isErasing)
            return;
        EchoRaw((byte)'/');
        _isErasing = false;
    }

    /// <summary>Shows that a character is erased, in the form that the modes ask for.</summary>
    /// <param name="c">Its first byte.</param>
    /// <param name="start">Where it was.</param>
    /// <param name="end">Behind its last byte.</param>
    /// <param name="one">It is the only one (the ERASE character).</param>
    private void EchoErasure(byte c, uint start, uint end, bool one)
    {
        if (Has(LocalModes.EchoPrinted))
        {
            if (!_isErasing)
            {
                EchoRaw((byte)'\\');
                _isErasing = true;
            }

            EchoCharacter(c);
            for (uint at = start + 1; at != end; at++)
            {
                EchoRaw(At(at));
                Echo(EchoStep.StepBack);
            }
        }
        else if (one && !Has(LocalModes.EchoErase))
        {
            EchoCharacter(Character(ControlCharacter.Erase));
        }
        else if (c == '\t')
        {
            EchoTabErasure(start);
        }
        else
        {
            if (IsControl(c) && Has(LocalModes.EchoControl))
                EchoBackspace();
            if (!IsControl(c) || Has(LocalModes.EchoControl))
                EchoBackspace();
        }
    }

    private void EchoBackspace()
    {
        EchoRaw((byte)'\b');
        EchoRaw((byte)' ');
        EchoRaw((byte)'\b');
    }

    /// <summary>The width of what is between the tab and the tab before it, or the line's start, says how wide the tab was.</summary>
    private void EchoTabErasure(uint tab)
    {
        uint width = 0;
        byte behind = 0;
        for (uint at = tab; at != _lineHead;)
        {
            byte c = At(--at);
            if (c == '\t')
            {
                behind = BehindTab;
                break;
            }

            if (IsControl(c))
                width += Has(LocalModes.EchoControl) ? 2u : 0;
            else if (!IsContinuation(c))
                width++;
        }

        Echo(EchoStep.EraseTab, (byte)((width & 7) | behind));
    }

    /// <summary>Does one step; false if there is no room for it.</summary>
    private bool TryEcho(ushort step)
    {
        byte value = (byte)step;
        switch ((EchoStep)(step & 0xff00))
        {
            case EchoStep.Control:
                if (tty.WriteRoom < 2)
                    return false;
                _ = tty.Write([(byte)'^', (byte)(value ^ 0x40)]);
                _column += 2;
                return true;
            case EchoStep.LineStart:
                _lineColumn = _column;
                return true;
            case EchoStep.StepBack:
                if (_column > 0)
                    _column--;
                return true;
            case EchoStep.EraseTab:
                return TryEraseTab(value);
            default:
                if (Has(OutputModes.Process))
                    return TryPut(value);
                if (tty.WriteRoom < 1)
                    return false;
                _ = tty.Write([value]);
                return true;
        }
    }

    private bool TryEraseTab(byte before)
    {
        uint width = before & (BehindTab - 1u);
        if ((before & BehindTab) == 0)
            width += _lineColumn;
        int back = (int)(8 - (width & 7));
        if (tty.WriteRoom < back)
            return false;
        _ = tty.Write("\b\b\b\b\b\b\b\b"u8[..back]);
        _column -= Math.Min(_column, (uint)back);
        return true;
    }
}
