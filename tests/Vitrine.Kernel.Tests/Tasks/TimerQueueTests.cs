using Vitrine.Kernel.Time;

namespace Vitrine.Kernel.Tests.Tasks;

public sealed class TimerQueueTests
{
    private readonly TimerQueue _queue = new();
    private readonly List<int> _fired = [];

    [Fact]
    public void RunExpired_RandomTimers_FireInOrderOfTimeAndNoEarlier()
    {
        var random = new Random(5);
        var timers = new List<Recorder>();
        for (int i = 0; i < 500; i++)
        {
            var timer = new Recorder(_fired, random.Next(1000));
            timers.Add(timer);
            _queue.Start(timer, new Ktime(timer.Id));
        }

        foreach (Recorder timer in timers.Where((_, i) => i % 3 == 0))
            Assert.True(_queue.Cancel(timer));
        _queue.RunExpired(new Ktime(499));
        Assert.All(_fired, id => Assert.True(id <= 499));
        _queue.RunExpired(new Ktime(1000));
        List<int> expected = timers.Where((_, i) => i % 3 != 0).Select(t => t.Id).Order().ToList();
        Assert.Equal(expected, _fired);
        Assert.Equal(0, _queue.Count);
        Assert.True(_queue.NextExpiry.IsNever);
    }

    [Fact]
    public void Start_QueuedTimer_MovesIt()
    {
        var timer = new Recorder(_fired, 1);
        _queue.Start(timer, new Ktime(10));
        _queue.Start(timer, new Ktime(20));
        _queue.RunExpired(new Ktime(15));
        Assert.Empty(_fired);
        Assert.Equal(new Ktime(20), _queue.NextExpiry);
    }

    [Fact]
    public void Start_EarlierThanAllOthers_IsTold()
    {
        var told = new List<long>();
        _queue.EarlierDeadline = deadline => told.Add(deadline.Nanoseconds);
        _queue.Start(new Recorder(_fired, 1), new Ktime(10));
        _queue.Start(new Recorder(_fired, 2), new Ktime(20));
        _queue.Start(new Recorder(_fired, 3), new Ktime(5));
        Assert.Equal([10L, 5L], told);
    }

    private sealed class Recorder(List<int> fired, int id) : KernelTimer
    {
        public int Id { get; } = id;

        public override void Fire(Ktime now) => fired.Add(Id);
    }
}
