using System.Collections;
using System.Reflection;
using Vitrine.Kernel.Async;
using Vitrine.Kernel.Sched;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Tests.Tasks;

/// <summary>A machine can be brought to rest with all of its state in fields, and goes on as if nothing had happened.</summary>
public sealed class RestingMachineTests
{
    [Theory]
    [InlineData(1, null)]
    [InlineData(3, null)]
    [InlineData(2, 7UL)]
    public void Freeze_WithTasksWaitingInEveryWay_LeavesNoSuspendedPathAndGoesOn(int processors, ulong? seed)
    {
        if (GuestCompiler.TryCompile("resting") is not { } program)
            return;
        using var machine = new TestMachine(64, processors, seed);
        machine.AddFile("/resting", program);
        List<string> suspended = [];
        using var finished = new ManualResetEventSlim(false);
        machine.OutputWritten = text =>
        {
            if (text.Contains("ready", StringComparison.Ordinal))
                machine.Kernel.Interrupts.Post(() => machine.Kernel.Freezer.Freeze(() => Inspect(machine.Kernel, suspended, finished)));
        };
        int status = machine.Run(["/resting"]);
        Assert.True(finished.IsSet, "the machine did not come to rest");
        Assert.Empty(suspended);
        Assert.Equal("ready\n0: a00\n1: 1400\n2: 1e00\n3: 2800\n4: 3200\n5: 3c00\n6: 4600\n7: f\n8: 9\n", machine.Output);
        Assert.Equal(0, status);
    }

    private static void Inspect(KernelInstance kernel, List<string> suspended, ManualResetEventSlim finished)
    {
        foreach (ThreadGroup group in kernel.Tasks.All)
        {
            foreach (Task thread in group.Threads)
            {
                if (thread.Path != KernelPath.None || thread.HasContinuation || thread.OnProcessor is not null)
                    suspended.Add($"{thread} is {thread.State} with path {thread.Path}");
                if (thread.SleepEntry.Queue is not null)
                    suspended.Add($"{thread} is on a wait queue");
                StateMachines.Find(thread, thread.ToString(), suspended);
            }
        }

        finished.Set();
        kernel.Freezer.Thaw();
    }

    /// <summary>Walks all that a task refers to and names what holds code instead of data.</summary>
    private static class StateMachines
    {
        public static void Find(object root, string name, List<string> found)
        {
            var seen = new HashSet<object>(ReferenceEqualityComparer.Instance);
            var todo = new Stack<(object Value, string Path)>();
            todo.Push((root, name));
            while (todo.TryPop(out (object Value, string Path) at))
            {
                Type type = at.Value.GetType();
                if (type.IsPrimitive || type == typeof(string) || type.IsPointer || at.Value is Type or MemberInfo or Thread || !seen.Add(at.Value))
                    continue;
                string typeName = type.FullName ?? type.Name;
                if (typeName.Contains("KTaskBox", StringComparison.Ordinal) || typeName.Contains("DisplayClass", StringComparison.Ordinal)
                    || typeof(System.Runtime.CompilerServices.IAsyncStateMachine).IsAssignableFrom(type))
                {
                    found.Add($"{at.Path} is {typeName}");
                    continue;
                }

                // The machine as a whole belongs to the host's side too: its callbacks are not a task's state.
                if (at.Value is KernelInstance or Processor or Delegate or Vitrine.Cpu.VirtualProcessor)
                    continue;
                if (at.Value is Array array)
                {
                    if (!type.GetElementType()!.IsPrimitive)
                        Push(array, at.Path, todo);
                    continue;
                }

                for (Type? t = type; t is not null && t != typeof(object); t = t.BaseType)
                {
                    foreach (FieldInfo field in t.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly))
                    {
                        if (field.FieldType.IsPointer || field.FieldType.IsByRefLike || field.FieldType.IsPrimitive)
                            continue;
                        if (field.GetValue(at.Value) is { } value)
                            todo.Push((value, at.Path + "." + field.Name));
                    }
                }
            }
        }

        private static void Push(IEnumerable array, string path, Stack<(object Value, string Path)> todo)
        {
            foreach (object? element in array)
            {
                if (element is not null)
                    todo.Push((element, path + "[]"));
            }
        }
    }
}
