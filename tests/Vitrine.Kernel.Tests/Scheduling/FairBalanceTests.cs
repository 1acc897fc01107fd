using Vitrine.Kernel.Sched;

namespace Vitrine.Kernel.Tests.Scheduling;

/// <summary>Busy tasks on several processors, in simulated time: each gets what its weight says, wherever it runs.</summary>
public sealed class FairBalanceTests
{
    private const long Step = 250_000;
    private const long Second = 1_000_000_000;
    private const long BalanceEvery = 8_000_000;

    [Theory]
    [InlineData(2, "0 0 0")]
    [InlineData(2, "0 1 2 3")]
    [InlineData(2, "0 0 0 5")]
    [InlineData(2, "0 0 5")]
    [InlineData(2, "0 0 5 5 5")]
    [InlineData(2, "0 5 5 5 5 5 5")]
    [InlineData(2, "-3 0 0 3 3 9 9")]
    [InlineData(2, "0 0 5 5")]
    [InlineData(2, "0 0 0 5 5")]
    [InlineData(2, "0 3 5 7 9")]
    [InlineData(2, "0 0 0 0 0 0")]
    [InlineData(2, "-5 0 0 5 5 10")]
    [InlineData(2, "0 0 0 0 0")]
    [InlineData(2, "-10 0 0")]
    [InlineData(2, "0 19 19 19")]
    [InlineData(2, "-20 0 5 10 15 19")]
    [InlineData(3, "0 0 0 0")]
    [InlineData(3, "-10 -3 0 0 1 2")]
    [InlineData(4, "0 1 2 3 4 5 6 7 8 9")]
    [InlineData(8, "0 0 0 0 0 0 0 0 0 0 0")]
    public void Shares_OverFiveSeconds_FollowWeights(int processors, string nice)
    {
        var machine = new SimulatedProcessors(processors, nice);
        machine.Run(5 * Second);
        double[] ideal = FeasibleShares(machine.Tasks, processors);
        for (int i = 0; i < ideal.Length; i++)
        {
            double share = machine.Served[i] / (5.0 * Second);
            Assert.True(Math.Abs(share - ideal[i]) <= 0.05 * ideal[i], $"nice {machine.Tasks[i].Nice} has {share:0.000} of a processor and should have {ideal[i]:0.000}; {machine.Moves} moves");
        }
    }

    /// <summary>The host takes one processor away for part of the time: shares are of what there is.</summary>
    [Theory]
    [InlineData("0 1 2 3", 2)]
    [InlineData("0 0 0", 2)]
    [InlineData("0 0 0 5 5", 2)]
    [InlineData("0 0 0 0 0 0", 4)]
    public void Shares_OnProcessorsOfDifferentSpeed_FollowWeights(string nice, int slower)
    {
        var machine = new SimulatedProcessors(2, nice) { Slower = slower };
        machine.Run(5 * Second);
        double all = machine.Served.Sum();
        double weights = machine.Tasks.Sum(t => (double)t.Weight);
        for (int i = 0; i < machine.Served.Length; i++)
            Assert.InRange(machine.Served[i] / all / (machine.Tasks[i].Weight / weights), 0.95, 1.05);
    }

    [Fact]
    public void Difference_OfManyTasks_IsEvenedOutAtOnce()
    {
        var machine = new SimulatedProcessors(2, "0 0 0 0 0 0 0 0", start: 0);
        machine.Run(40_000_000);
        Assert.Equal([4, 4], machine.TasksByProcessor);
    }

    [Fact]
    public void Tasks_ThatDivideEvenly_StayWhereTheyAre()
    {
        var machine = new SimulatedProcessors(2, "0 0 5 5");
        machine.Run(Second);
        int settled = machine.Moves;
        machine.Run(4 * Second);
        Assert.Equal(settled, machine.Moves);
    }

    [Fact]
    public void Task_ThatMayNotMove_Stays_AndWhatItMissedIsForgotten()
    {
        var machine = new SimulatedProcessors(2, "0 0 0", start: 0);
        foreach (SchedEntity entity in machine.Tasks)
            entity.Affinity = 1;
        machine.Run(Second);
        Assert.Equal([3, 0], machine.TasksByProcessor);
        Assert.Equal(0, machine.Moves);
        machine.Tasks[0].Affinity = 3;
        machine.Run(Second);
        Assert.Equal([2, 1], machine.TasksByProcessor);
        Assert.InRange(machine.Served[0], Second, (4 * Second / 3) + FairBalance.LongestDebt);
    }

    [Fact]
    public void Crowd_FarBehindALightTask_IsDivided()
    {
        // Four that may not move, and one beside them: no single move turns the difference round.
        var machine = new SimulatedProcessors(2, "0 0 0 0 5", start: 0);
        for (int i = 0; i < 4; i++)
            machine.Tasks[i].Affinity = 1;
        machine.Run(Second);
        Assert.Equal([4, 1], machine.TasksByProcessor);
        foreach (SchedEntity entity in machine.Tasks)
            entity.Affinity = 3;
        machine.Run(30_000_000);
        Assert.InRange(machine.TasksByProcessor[0], 2, 3);
        long[] before = [.. machine.Served];
        machine.Run(5 * Second);
        double[] ideal = FeasibleShares(machine.Tasks, 2);
        for (int i = 0; i < 5; i++)
            Assert.InRange((machine.Served[i] - before[i]) / (5.0 * Second) / ideal[i], 0.8, 1.1);
    }

    /// <summary>Weights as shares of all processors; who would get more than one has one, and the others share the rest.</summary>
    private static double[] FeasibleShares(List<SchedEntity> tasks, int processors)
    {
        var shares = new double[tasks.Count];
        var open = Enumerable.Range(0, tasks.Count).ToList();
        double left = processors;
        while (open.Count > 0)
        {
            double weight = open.Sum(i => (double)tasks[i].Weight);
            List<int> whole = open.FindAll(i => tasks[i].Weight * left / weight >= 1);
            foreach (int i in whole)
                shares[i] = 1;
            if (whole.Count == 0)
            {
                foreach (int i in open)
                    shares[i] = tasks[i].Weight * left / weight;
                break;
            }

            left -= whole.Count;
            open.RemoveAll(whole.Contains);
        }

        return shares;
    }

    /// <summary>Processors that take turns at steps of time, as the scheduler drives its queues.</summary>
    private sealed class SimulatedProcessors
    {
        private readonly FairQueue[] _queues;
        private readonly long[] _nextBalance;
        private long _now;
        private ulong _sequence;

        public SimulatedProcessors(int processors, string nice, int? start = null)
        {
            _queues = new FairQueue[processors];
            _nextBalance = new long[processors];
            for (int i = 0; i < processors; i++)
                _queues[i] = new FairQueue();
            foreach (string word in nice.Split(' '))
            {
                var entity = new SchedEntity(null!) { Sequence = _sequence++ };
                entity.SetNice(int.Parse(word, System.Globalization.CultureInfo.InvariantCulture));
                FairQueue queue = _queues[start ?? (Tasks.Count % processors)];
                queue.Place(entity, isNew: true);
                queue.Add(entity);
                Tasks.Add(entity);
            }

            Served = new long[Tasks.Count];
        }

        public List<SchedEntity> Tasks { get; } = [];

        /// <summary>Processor 0 works in one of so many steps only.</summary>
        public int Slower { get; init; } = 1;

        public long[] Served { get; }

        public int Moves { get; private set; }

        public int[] TasksByProcessor => Array.ConvertAll(_queues, q => q.Tasks);

        public void Run(long nanoseconds)
        {
            for (long end = _now + nanoseconds; _now < end; _now += Step)
            {
                for (int i = 0; i < _queues.Length; i++)
                {
                    if (i > 0 || _now / Step % Slower == 0)
                        RunStep(i);
                }
            }
        }

        private void RunStep(int processor)
        {
            FairQueue queue = _queues[processor];
            if (queue.Current is null)
            {
                Balance(processor);
                if (queue.Take() is null && !Pull(processor))
                    return;
            }

            SchedEntity current = queue.Current!;
            Served[Tasks.IndexOf(current)] += Step;
            if (FairQueue.Charge(current, Step))
            {
                queue.Release();
                current.Sequence = _sequence++;
                queue.Add(current);
            }
        }

        private bool Pull(int processor)
        {
            foreach (FairQueue other in _queues)
            {
                if (other == _queues[processor] || other.FindMovable(processor) is not { } entity)
                    continue;
                Move(entity, other, _queues[processor]);
                return _queues[processor].Take() is not null;
            }

            return false;
        }

        private void Balance(int processor)
        {
            if (_now < _nextBalance[processor] || _queues[processor].Count < 1)
                return;
            _nextBalance[processor] = _now + BalanceEvery;
            QueueLoad[] loads = Array.ConvertAll(_queues, q => new QueueLoad(q, q.Weight, 0));
            FairBalance.Align(loads);
            if (FairBalance.Choose(loads, processor, out int to, out SchedEntity? back) is not { } entity)
                return;
            if (back is not null)
                Move(back, _queues[to], _queues[processor]);
            Move(entity, _queues[processor], _queues[to]);
        }

        private void Move(SchedEntity entity, FairQueue from, FairQueue to)
        {
            from.Leave(entity);
            from.Remove(entity);
            to.PlaceFrom(entity, from);
            entity.Sequence = _sequence++;
            entity.ArrivedAt = _now;
            to.Add(entity);
            Moves++;
        }
    }
}
