using Vitrine.Kernel.Sched;

namespace Vitrine.Kernel.Signals;

/// <summary>
/// What a process does with each signal (sighand_struct's twin): shared by CLONE_SIGHAND. Guarded by the kernel lock.
/// </summary>
internal sealed class SignalHandlers
{
    private readonly SignalAction[] _actions = new SignalAction[(int)SignalNumber.RealTimeMax];

    /// <summary>Thread groups that use it.</summary>
    public int Users { get; set; } = 1;

    /// <summary>Woken at every signal for its users: what signalfd's poll and read wait on.</summary>
    public WaitQueue SignalWait { get; } = new();

    public ref SignalAction this[SignalNumber signal] => ref _actions[(int)signal - 1];

    public SignalHandlers Copy()
    {
        var copy = new SignalHandlers();
        _actions.CopyTo(copy._actions.AsSpan());
        return copy;
    }

    /// <summary>What exec (and CLONE_CLEAR_SIGHAND) does: handlers become the default, ignored signals stay ignored.</summary>
    public void ResetHandlers()
    {
        foreach (ref SignalAction action in _actions.AsSpan())
            action = new SignalAction { Handler = action.Handler == SignalAction.Ignore ? SignalAction.Ignore : SignalAction.Default };
    }

    /// <summary>Signals whose action is SIG_IGN (SigIgn of status).</summary>
    public SignalSet Ignored => Select(ignored: true);

    /// <summary>Signals with a handler of the program (SigCgt of status).</summary>
    public SignalSet Caught => Select(ignored: false);

    /// <summary>True if the signal's action, as it is now, drops the signal.</summary>
    public bool Ignores(SignalNumber signal)
    {
        ulong handler = this[signal].Handler;
        return handler == SignalAction.Ignore
            || (handler == SignalAction.Default && SignalSet.IgnoredByDefault.Has(signal));
    }

    private SignalSet Select(bool ignored)
    {
        SignalSet set = SignalSet.Empty;
        for (int i = 0; i < _actions.Length; i++)
        {
            ulong handler = _actions[i].Handler;
            if (ignored ? handler == SignalAction.Ignore : handler != SignalAction.Ignore && handler != SignalAction.Default)
                set = set.With((SignalNumber)(i + 1));
        }

        return set;
    }
}
