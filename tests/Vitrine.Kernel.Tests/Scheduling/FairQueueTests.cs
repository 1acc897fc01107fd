using Vitrine.Kernel.Sched;

namespace Vitrine.Kernel.Tests.Scheduling;

/// <summary>Earliest eligible virtual deadline first: nobody is owed more than a request, and shares follow weights.</summary>
public sealed class FairQueueTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Busy_TasksOfAnyWeight_GetTheirShareWithinARequest(int seed)
    {
        var random = new Random(seed);
        var queue = new FairQueue();
        var tasks = new List<SchedEntity>();
        var served = new Dictionary<SchedEntity, long>();
        for (int i = 0; i < 12; i++)
        {
            SchedEntity entity = Entity((ulong)i, random.Next(-10, 11));
            if (i % 4 == 0)
                entity.CustomSlice = random.Next(1, 200) * 100_000L;
            queue.Place(entity, isNew: true);
            queue.Add(entity);
            tasks.Add(entity);
            served[entity] = 0;
        }

        long weights = tasks.Sum(t => (long)t.Weight);
        long longest = tasks.Max(t => t.Slice);
        long total = 0;
        for (int turn = 0; turn < 20_000; turn++)
        {
            SchedEntity next = queue.Take()!;
            long used = Math.Min(FairQueue.Remaining(next), random.Next(50_000, 4_000_000));
            FairQueue.Charge(next, used);
            served[next] += used;
            total += used;
            queue.Release();
            next.Sequence = (ulong)(100 + turn);
            queue.Add(next);
            foreach (SchedEntity task in tasks)
            {
                // The theorem: the lag is never more than one request of the longest kind, either way.
                double lag = ((double)total * task.Weight / weights) - served[task];
                Assert.InRange(lag, -longest - 4_200_000, longest + 4_200_000);
            }
        }
    }

    [Fact]
    public void Sleeper_IsNotPaidForItsSleep()
    {
        var queue = new FairQueue();
        SchedEntity busy = Entity(1, 0);
        SchedEntity sleeper = Entity(2, 0);
        queue.Place(busy, isNew: true);
        queue.Add(busy);
        long sleeperTime = 0;
        ulong sequence = 10;
        for (int round = 0; round < 50; round++)
        {
            // It sleeps while the other runs for a second, and then wants the processor as long as it can have it.
            RunFor(queue, busy, 1_000_000_000, ref sequence);
            queue.Place(sleeper, isNew: false);
            queue.Add(sleeper);
            long got = 0;
            for (int turn = 0; turn < 40; turn++)
            {
                SchedEntity next = queue.Take()!;
                long used = FairQueue.Remaining(next);
                FairQueue.Charge(next, used);
                if (next == sleeper)
                    got += used;
                queue.Release();
                next.Sequence = sequence++;
                queue.Add(next);
            }

            sleeperTime += got;
            Assert.InRange(got, 17 * Scheduler.BaseSlice, 23 * Scheduler.BaseSlice);
            queue.Leave(sleeper);
            queue.Remove(sleeper);
        }

        Assert.InRange(sleeperTime, 49 * 20 * Scheduler.BaseSlice, 51 * 20 * Scheduler.BaseSlice);
    }

    [Fact]
    public void Woken_WithAShorterSlice_Preempts()
    {
        var queue = new FairQueue();
        SchedEntity busy = Entity(1, 0);
        queue.Place(busy, isNew: true);
        queue.Add(busy);
        Assert.Same(busy, queue.Take());
        FairQueue.Charge(busy, 200_000);
        SchedEntity quick = Entity(2, 0);
        quick.CustomSlice = 100_000;
        queue.Place(quick, isNew: false);
        queue.Add(quick);
        Assert.True(queue.Preempts(quick, busy));
        SchedEntity batch = Entity(3, 0);
        batch.Set(SchedPolicy.Batch, 0, null);
        batch.CustomSlice = 100_000;
        queue.Place(batch, isNew: false);
        queue.Add(batch);
        Assert.False(queue.Preempts(batch, busy));
    }

    [Theory]
    [InlineData(11)]
    [InlineData(12)]
    public void Tree_UnderRandomChanges_FindsWhatAScanFinds(int seed)
    {
        var random = new Random(seed);
        var queue = new FairQueue();
        var present = new List<SchedEntity>();
        ulong sequence = 0;
        for (int step = 0; step < 1_500; step++)
        {
            if (present.Count == 0 || random.Next(5) < 3)
            {
                SchedEntity entity = Entity(sequence++, random.Next(-20, 20));
                entity.VirtualRuntime = random.Next(0, 50_000_000);
                entity.VirtualDeadline = entity.VirtualRuntime + random.Next(1, 10_000_000);
                queue.Add(entity);
                present.Add(entity);
            }
            else
            {
                SchedEntity entity = present[random.Next(present.Count)];
                queue.Remove(entity);
                present.Remove(entity);
            }

            SchedEntity? expected = present.Where(e => queue.IsEligible(e.VirtualRuntime))
                .OrderBy(e => e.VirtualDeadline).ThenBy(e => e.Sequence).FirstOrDefault();
            Assert.Same(expected, queue.Pick());
            Assert.Equal(present.Count, queue.Count);
            Assert.Equal(present.Sum(e => (long)e.Weight), queue.Weight);
        }
    }

    [Fact]
    public void RealTime_HighestFirst_FirstComeAmongEquals_PreemptedInFront()
    {
        var queue = new RealTimeQueue(null!);
        SchedEntity[] entities = [RealTime(1, 10), RealTime(2, 50), RealTime(3, 50), RealTime(4, 99)];
        foreach (SchedEntity entity in entities)
            queue.Add(entity, atFront: false);
        SchedEntity front = RealTime(5, 50);
        queue.Add(front, atFront: true);
        var order = new List<ulong>();
        while (queue.First is { } next)
        {
            order.Add(next.Sequence);
            queue.Remove(next);
        }

        Assert.Equal([4UL, 5, 2, 3, 1], order);
    }

    private static void RunFor(FairQueue queue, SchedEntity only, long nanoseconds, ref ulong sequence)
    {
        while (nanoseconds > 0)
        {
            Assert.Same(only, queue.Take());
            long used = Math.Min(nanoseconds, FairQueue.Remaining(only));
            FairQueue.Charge(only, used);
            nanoseconds -= used;
            queue.Release();
            only.Sequence = sequence++;
            queue.Add(only);
        }
    }

    private static SchedEntity Entity(ulong sequence, int nice)
    {
        var entity = new SchedEntity(null!) { Sequence = sequence };
        entity.SetNice(nice);
        return entity;
    }

    private static SchedEntity RealTime(ulong sequence, int priority)
    {
        var entity = new SchedEntity(null!) { Sequence = sequence };
        entity.Set(SchedPolicy.Fifo, priority, null);
        return entity;
    }
}
