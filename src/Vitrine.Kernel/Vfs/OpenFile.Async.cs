using Vitrine.Kernel.Namespaces;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Signals;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Vfs;

/// <content>O_ASYNC, and the signals that go to the owner of a description (send_sigio's twin).</content>
internal abstract partial class OpenFile
{
    /// <summary>SI_SIGIO: the reason's code could be mistaken for one of the signal's own.</summary>
    private const int QueuedIo = -5;

    private bool _isSubscribed;

    /// <summary>The descriptor that O_ASYNC was set through: si_fd.</summary>
    public int AsyncDescriptor { get; private set; }

    /// <summary>Enters the description in the lists of whatever it is told by, or takes it off; for those that support O_ASYNC.</summary>
    public virtual void Subscribe(bool on)
    {
    }

    /// <summary>Who is the owner when O_ASYNC is set and nobody has been made it; for files that have a natural one.</summary>
    public virtual FileOwner? NaturalOwner(Task current) => null;

    /// <summary>F_SETFL and FIOASYNC changed O_ASYNC.</summary>
    public void SetAsync(Task current, Fd fd, bool on)
    {
        if (_isSubscribed == on)
            return;
        if (on && Owner.Id == 0 && NaturalOwner(current) is { } owner)
            Owner = owner;
        _isSubscribed = on;
        AsyncDescriptor = fd.Value;
        Subscribe(on);
    }

    /// <summary>
    /// Tells the owner with F_SETSIG's signal, queued with what happened; without one, or when the queue is full, with
    /// the usual signal. Nothing where the one who set the owner might not signal it.
    /// </summary>
    public void SignalOwner(SignalNumber usual, PollReason reason, int descriptor)
    {
        if (Owner.Id == 0 || Kernel.InitialNamespaces.Pid.Find(Owner.Id) is not { } number)
            return;
        switch (Owner.Kind)
        {
            case FileOwner.Thread:
                if (number.Task is { } thread)
                    SignalTask(thread, usual, reason, descriptor, toThread: true);
                break;
            case FileOwner.Process:
                if (number.Task is { } process)
                    SignalTask(process, usual, reason, descriptor, toThread: false);
                break;
            default:
                foreach (ThreadGroup group in number.ProcessGroup.ToArray())
                    SignalTask(group.Leader, usual, reason, descriptor, toThread: false);
                break;
        }
    }

    /// <summary>Tells the owner with a signal that has a meaning of its own (SIGURG), whatever F_SETSIG says.</summary>
    public void SignalOwner(SignalNumber signal)
    {
        int own = OwnerSignal;
        OwnerSignal = 0;
        SignalOwner(signal, PollReason.Priority, AsyncDescriptor);
        OwnerSignal = own;
    }

    private void EndAsync()
    {
        if (!_isSubscribed)
            return;
        _isSubscribed = false;
        Subscribe(false);
    }

    private void SignalTask(Task target, SignalNumber usual, PollReason reason, int descriptor, bool toThread)
    {
        Credentials to = target.Credentials;
        FileOwner from = Owner;
        if (from.EffectiveUid != Uid.Root && from.EffectiveUid != to.Suid && from.EffectiveUid != to.Uid && from.Uid != to.Suid && from.Uid != to.Uid)
            return;
        if (OwnerSignal != 0)
        {
            var signal = (SignalNumber)OwnerSignal;
            bool ownCodes = signal is SignalNumber.Ill or SignalNumber.Fpe or SignalNumber.Segv or SignalNumber.Bus or SignalNumber.Trap
                or SignalNumber.Chld or SignalNumber.Sys;
            var info = new SignalInfo { Signal = signal, Code = ownCodes ? QueuedIo : (int)reason, Band = BandOf(reason), Fd = descriptor };
            Errno sent = toThread ? SignalSender.Send(target, in info) : SignalSender.SendToGroup(target.ThreadGroup, in info);
            if (sent == Errno.Success)
                return;
        }

        if (toThread)
            SignalSender.SendKernel(target, usual);
        else
            SignalSender.SendKernelToGroup(target.ThreadGroup, usual);
    }

    private static long BandOf(PollReason reason) => (long)(reason switch
    {
        PollReason.In => PollEvents.In | PollEvents.ReadNormal,
        PollReason.Out => PollEvents.Out | PollEvents.WriteNormal | PollEvents.WriteBand,
        PollReason.Message => PollEvents.In | PollEvents.ReadNormal | (PollEvents)0x400,
        PollReason.Error => PollEvents.Error,
        PollReason.Priority => PollEvents.Priority | PollEvents.ReadBand,
        _ => PollEvents.HangUp | PollEvents.Error,
    });
}
