using Vitrine.Kernel.Security;
using Vitrine.Kernel.Signals;

namespace Vitrine.Kernel.Tests.Signals;

public sealed class PendingSignalsTests
{
    private readonly PendingSignals _pending = new();
    private readonly UserAccounts _users = new();

    [Fact]
    public void NextOf_SynchronousSignal_ComesBeforeLowerNumbers()
    {
        Add(SignalNumber.Hup);
        Add(SignalNumber.Segv);
        Assert.Equal(SignalNumber.Segv, _pending.NextOf(SignalSet.All));
        Assert.Equal(SignalNumber.Hup, _pending.NextOf(~SignalSet.Of(SignalNumber.Segv)));
        Assert.Equal(SignalNumber.None, _pending.NextOf(SignalSet.Of(SignalNumber.Int)));
    }

    [Fact]
    public void Take_QueuedRealTimeSignals_ComeInOrderAndStayPendingUntilTheLast()
    {
        const SignalNumber signal = (SignalNumber)40;
        for (ulong i = 0; i < 3; i++)
            Add(signal, i);
        Assert.Equal(3, _users[Uid.Root].PendingSignals);
        for (ulong i = 0; i < 3; i++)
        {
            Assert.True(_pending.Has(signal));
            Assert.Equal(i, _pending.Take(signal, out _).Value);
        }

        Assert.False(_pending.Has(signal));
        Assert.Equal(0, _users[Uid.Root].PendingSignals);
    }

    [Fact]
    public void Take_MarkedOnly_GivesASignalWithoutDetails()
    {
        _pending.Mark(SignalNumber.Kill);
        SignalInfo info = _pending.Take(SignalNumber.Kill, out _);
        Assert.Equal(SignalNumber.Kill, info.Signal);
        Assert.Equal(SignalCode.User, info.Code);
        Assert.True(_pending.Set.IsEmpty);
    }

    [Fact]
    public void Flush_DropsAllInstancesAndGivesTheQuotaBack()
    {
        Add(SignalNumber.Tstp);
        Add(SignalNumber.Stop);
        Add(SignalNumber.Term);
        _pending.Flush(SignalSet.Stopping);
        Assert.Equal(SignalSet.Of(SignalNumber.Term), _pending.Set);
        Assert.Equal(1, _users[Uid.Root].PendingSignals);
        Add(SignalNumber.Hup);
        Assert.Equal(SignalNumber.Hup, _pending.NextOf(SignalSet.All));
    }

    [Fact]
    public void TryChargeSignal_AtTheLimit_Refuses()
    {
        UserAccount account = _users[new Uid(7)];
        Assert.True(account.TryChargeSignal(2));
        Assert.True(account.TryChargeSignal(2));
        Assert.False(account.TryChargeSignal(2));
        Assert.True(account.TryChargeSignal(RLimit.Infinity));
    }

    private void Add(SignalNumber signal, ulong value = 0)
    {
        UserAccount account = _users[Uid.Root];
        Assert.True(account.TryChargeSignal(RLimit.Infinity));
        _pending.Add(new QueuedSignal { Account = account, Info = new SignalInfo { Signal = signal, Value = value } });
    }
}
