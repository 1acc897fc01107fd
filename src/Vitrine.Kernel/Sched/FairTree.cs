namespace Vitrine.Kernel.Sched;

/// <summary>
/// The waiting tasks of a fair queue, by virtual deadline; every node knows the least virtual run time below it, so that
/// the earliest deadline among the eligible is found on one path. A treap: the ranks come from the order of arrival.
/// </summary>
internal sealed class FairTree
{
    private SchedEntity? _root;

    public int Count { get; private set; }

    /// <summary>The least virtual run time of all; <see cref="long.MaxValue"/> if there are none.</summary>
    public long LeastVirtualRuntime => _root?.LeastVirtualRuntime ?? long.MaxValue;

    public void Add(SchedEntity entity)
    {
        ulong mixed = (entity.Sequence + 1) * 0x9e37_79b9_7f4a_7c15;
        entity.TreeRank = (uint)((mixed ^ (mixed >> 29)) >> 16);
        entity.Left = entity.Right = null;
        entity.LeastVirtualRuntime = entity.VirtualRuntime;
        _root = Insert(_root, entity);
        Count++;
    }

    public void Remove(SchedEntity entity)
    {
        _root = Delete(_root, entity);
        entity.Left = entity.Right = null;
        Count--;
    }

    /// <summary>The earliest deadline among the entities whose virtual run time the queue calls eligible; null if there is none.</summary>
    public SchedEntity? FindEarliestEligible(FairQueue queue)
    {
        SchedEntity? node = _root;
        while (node is not null)
        {
            if (node.Left is { } left && queue.IsEligible(left.LeastVirtualRuntime))
                node = left;
            else if (queue.IsEligible(node.VirtualRuntime))
                return node;
            else
                node = node.Right;
        }

        return null;
    }

    /// <summary>The earliest deadline of all.</summary>
    public SchedEntity? First
    {
        get
        {
            SchedEntity? node = _root;
            while (node?.Left is { } left)
                node = left;
            return node;
        }
    }

    /// <summary>All entities, in no order that means anything; the tree must not change meanwhile.</summary>
    public IEnumerator<SchedEntity> GetEnumerator()
    {
        var todo = new Stack<SchedEntity>();
        if (_root is not null)
            todo.Push(_root);
        while (todo.TryPop(out SchedEntity? node))
        {
            yield return node;
            if (node.Left is { } left)
                todo.Push(left);
            if (node.Right is { } right)
                todo.Push(right);
        }
    }

    private static bool Before(SchedEntity a, SchedEntity b)
    {
        long difference = a.VirtualDeadline - b.VirtualDeadline;
        return difference != 0 ? difference < 0 : a.Sequence < b.Sequence;
    }

    private static SchedEntity Insert(SchedEntity? node, SchedEntity entity)
    {
        if (node is null)
            return entity;
        if (entity.TreeRank > node.TreeRank)
        {
            (entity.Left, entity.Right) = Split(node, entity);
            Update(entity);
            return entity;
        }

        if (Before(entity, node))
            node.Left = Insert(node.Left, entity);
        else
            node.Right = Insert(node.Right, entity);
        Update(node);
        return node;
    }

    private static SchedEntity? Delete(SchedEntity? node, SchedEntity entity)
    {
        if (node is null)
            throw new InvalidOperationException($"{entity.Task} is not on the fair queue");
        if (node == entity)
            return Merge(node.Left, node.Right);
        if (Before(entity, node))
            node.Left = Delete(node.Left, entity);
        else
            node.Right = Delete(node.Right, entity);
        Update(node);
        return node;
    }

    private static (SchedEntity? Before, SchedEntity? After) Split(SchedEntity? node, SchedEntity at)
    {
        if (node is null)
            return (null, null);
        if (Before(node, at))
        {
            (node.Right, SchedEntity? after) = Split(node.Right, at);
            Update(node);
            return (node, after);
        }

        (SchedEntity? before, node.Left) = Split(node.Left, at);
        Update(node);
        return (before, node);
    }

    private static SchedEntity? Merge(SchedEntity? a, SchedEntity? b)
    {
        if (a is null || b is null)
            return a ?? b;
        if (a.TreeRank > b.TreeRank)
        {
            a.Right = Merge(a.Right, b);
            Update(a);
            return a;
        }

        b.Left = Merge(a, b.Left);
        Update(b);
        return b;
    }

    private static void Update(SchedEntity node)
    {
        long least = node.VirtualRuntime;
        if (node.Left is { } left)
            least = Math.Min(least, left.LeastVirtualRuntime);
        if (node.Right is { } right)
            least = Math.Min(least, right.LeastVirtualRuntime);
        node.LeastVirtualRuntime = least;
    }
}
