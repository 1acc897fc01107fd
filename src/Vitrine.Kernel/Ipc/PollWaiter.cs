using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;
using Vitrine.Kernel.Vfs;

namespace Vitrine.Kernel.Ipc;

/// <summary>
/// The registrations of one poll or select call (poll_wqueues' twin): any of its queues wakes the task. Lives for one
/// call; <see cref="Clear"/> takes it off all queues, always, before the call returns.
/// </summary>
internal sealed class PollWaiter(Task task) : PollTable
{
    private Entry[] _entries = new Entry[8];
    private int _count;

    /// <summary>A queue has woken the task since <see cref="Rearm"/>.</summary>
    public bool Triggered { get; private set; }

    public override void Add(WaitQueue queue)
    {
        if (_count == _entries.Length)
            Array.Resize(ref _entries, _entries.Length * 2);
        Entry entry = _entries[_count] ??= new Entry(this);
        entry.Task = task;
        entry.Interest = Interest | PollEvents.Error | PollEvents.HangUp;
        _count++;
        queue.Add(entry);
    }

    public void Rearm() => Triggered = false;

    public void Clear()
    {
        for (int i = 0; i < _count; i++)
            _entries[i].Queue?.Remove(_entries[i]);
        _count = 0;
    }

    private sealed class Entry(PollWaiter owner) : WaitEntry
    {
        public PollEvents Interest { get; set; }

        public override bool OnWake(uint key)
        {
            if (key != 0 && ((PollEvents)key & Interest) == 0)
                return false;
            owner.Triggered = true;
            return Task!.Wake();
        }
    }
}
