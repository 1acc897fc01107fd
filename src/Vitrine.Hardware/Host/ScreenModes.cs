using System.Globalization;
using System.Text;

namespace Vitrine.Hardware.Host;

/// <summary>
/// What programs have changed about a screen by control sequences (ECMA-48, DEC private modes, xterm): the alternate
/// screen, a hidden cursor, mouse reports, bracketed paste, a scrolling region, colours. A program that ends by itself has
/// undone what it wanted undone; for one that could not, <see cref="Undo"/> does it. Follows the bytes of the output and
/// allocates nothing on that way. Not thread-safe.
/// </summary>
internal sealed class ScreenModes
{
    private const byte Escape = 0x1b;

    // All that terminals are usually asked for, with what they are without being asked.
    private static ReadOnlySpan<ushort> Known =>
        [1, 5, 6, 7, 9, 25, 47, 1000, 1001, 1002, 1003, 1004, 1005, 1006, 1015, 1016, 1047, 1049, 2004, 2026];

    private static ReadOnlySpan<ushort> OnByDefault => [7, 25];

    /// <summary>Bit n: the known mode n is not as it was found.</summary>
    private uint _changed;
    private bool _hasKeypad;
    private bool _hasRegion;
    private bool _hasAttributes;
    private bool _hasCharset;

    private State _state;
    private bool _isPrivate;
    private bool _hasParameter;
    private int _number;
    private uint _named;
    private bool _isOnlyZero;

    private enum State
    {
        Text = 0,
        Escape = 1,
        Control = 2,
        Charset = 3,
        String = 4,
        StringEscape = 5,
    }

    /// <summary>Something is not as it was found, or a sequence has only begun.</summary>
    public bool IsChanged => _changed != 0 || _hasKeypad || _hasRegion || _hasAttributes || _hasCharset || _state != State.Text;

    /// <summary>What is now, is as it should be.</summary>
    public void Accept()
    {
        _changed = 0;
        _hasKeypad = _hasRegion = _hasAttributes = _hasCharset = false;
        _state = State.Text;
    }

    /// <summary>Follows what is shown.</summary>
    public void Follow(ReadOnlySpan<byte> output)
    {
        while (!output.IsEmpty)
        {
            if (_state == State.Text)
            {
                int at = output.IndexOfAny(Escape, (byte)0x0e, (byte)0x0f);
                if (at < 0)
                    return;
                output = output[at..];
            }

            Take(output[0]);
            output = output[1..];
        }
    }

    /// <summary>The bytes that bring everything back, and nothing is changed any more.</summary>
    public byte[] Undo()
    {
        var sequence = new StringBuilder();

        // A sequence or string that was cut off must not swallow the rest.
        if (_state != State.Text)
            sequence.Append('\x18');
        if (_hasRegion)
            sequence.Append("\e7\e[r\e8");
        if (_hasCharset)
            sequence.Append("\x0f\e(B");
        if (_hasAttributes)
            sequence.Append("\e[m");
        if (_hasKeypad)
            sequence.Append("\e>");
        for (int i = 0; i < Known.Length; i++)
        {
            if ((_changed & (1u << i)) != 0)
                sequence.Append(CultureInfo.InvariantCulture, $"\e[?{Known[i]}{(OnByDefault.Contains(Known[i]) ? 'h' : 'l')}");
        }

        Accept();
        return Encoding.ASCII.GetBytes(sequence.ToString());
    }

    private void Take(byte value)
    {
        switch (_state)
        {
            case State.Text:
                if (value == Escape)
                    _state = State.Escape;
                else
                    _hasCharset = value == 0x0e;
                break;
            case State.Escape:
                TakeEscaped(value);
                break;
            case State.Control:
                TakeControl(value);
                break;
            case State.Charset:
                if (value is >= 0x20 and <= 0x7e)
                    _hasCharset = value != 'B';
                _state = value == Escape ? State.Escape : State.Text;
                break;
            case State.String:
                if (value is 0x07 or 0x18 or 0x1a)
                    _state = State.Text;
                else if (value == Escape)
                    _state = State.StringEscape;
                break;
            default:
                // The string's end is ESC \; anything else begins anew.
                _state = State.Escape;
                if (value == '\\')
                    _state = State.Text;
                else
                    TakeEscaped(value);
                break;
        }
    }

    private void TakeEscaped(byte value)
    {
        _state = State.Text;
        switch (value)
        {
            case (byte)'[':
                _state = State.Control;
                _isPrivate = _hasParameter = false;
                _isOnlyZero = true;
                _number = 0;
                _named = 0;
                break;
            case (byte)'(':
                _state = State.Charset;
                break;
            case (byte)']' or (byte)'P' or (byte)'^' or (byte)'_' or (byte)'X':
                _state = State.String;
                break;
            case (byte)'=' or (byte)'>':
                _hasKeypad = value == '=';
                break;
            case (byte)'c':
                Accept();
                break;
            case Escape:
                _state = State.Escape;
                break;
        }
    }

    private void TakeControl(byte value)
    {
        switch (value)
        {
            case (byte)'?':
                _isPrivate = true;
                break;
            case >= (byte)'0' and <= (byte)'9':
                _hasParameter = true;
                _number = Math.Min((_number * 10) + value - '0', ushort.MaxValue);
                break;
            case (byte)';' or (byte)':':
                EndParameter();
                _isOnlyZero = false;
                break;
            case Escape:
                _state = State.Escape;
                break;
            case 0x18 or 0x1a:
                _state = State.Text;
                break;
            case >= 0x40 and <= 0x7e:
                EndParameter();
                _state = State.Text;
                Finish(value);
                break;
        }
    }

    private void EndParameter()
    {
        int at = Known.IndexOf((ushort)_number);
        if (at >= 0)
            _named |= 1u << at;
        _isOnlyZero &= _number == 0;
        _number = 0;
    }

    private void Finish(byte function)
    {
        switch (function)
        {
            case (byte)'h' or (byte)'l' when _isPrivate:
                for (int i = 0; i < Known.Length; i++)
                {
                    if ((_named & (1u << i)) == 0)
                        continue;
                    if (OnByDefault.Contains(Known[i]) == (function == 'h'))
                        _changed &= ~(1u << i);
                    else
                        _changed |= 1u << i;
                }

                break;
            case (byte)'m' when !_isPrivate:
                _hasAttributes = !_isOnlyZero;
                break;
            case (byte)'r' when !_isPrivate:
                _hasRegion = _hasParameter;
                break;
        }
    }
}
