using System.Runtime.InteropServices;
using System.Text;
using Vitrine.Kernel.Security;
using Vitrine.Kernel.Tasks;

namespace Vitrine.Kernel.Net.Netlink;

/// <summary>NETLINK_GENERIC: families by name, found through the controller; here "nlctrl" itself and "TASKSTATS".</summary>
internal sealed class GenericNetlink : NetlinkProtocol
{
    private const int HeaderSize = 4;
    private const ushort Controller = 0x10;
    private const ushort TaskStatistics = 0x15;

    private static readonly Family[] Families =
    [
        new(Controller, "nlctrl", 2, 10, [(3, 0xe)]),
        new(TaskStatistics, "TASKSTATS", 1, 4, [(1, 0xb)]),
    ];

    public override void Receive(Task current, NetlinkSocket from, byte[] data) => NetlinkMessages.Process(current, from, data, Handle);

    private static Errno Handle(Task current, NetlinkSocket from, in NetlinkHeader header, ReadOnlySpan<byte> payload)
    {
        if (payload.Length < HeaderSize)
            return Errno.EINVAL;
        byte command = payload[0];
        ReadOnlySpan<byte> attributes = payload[HeaderSize..];
        return header.Type switch
        {
            Controller => Control(from, in header, command, attributes),
            TaskStatistics => AskForStatistics(current, from, in header, command, attributes),
            _ => Errno.ENOENT,
        };
    }

    /// <summary>CTRL_CMD_GETFAMILY: by number or name, or all as a dump.</summary>
    private static Errno Control(NetlinkSocket from, in NetlinkHeader header, byte command, ReadOnlySpan<byte> attributes)
    {
        const byte getFamily = 3;
        const ushort idAttribute = 1, nameAttribute = 2;
        if (command != getFamily)
            return Errno.EOPNOTSUPP;
        if ((header.Flags & NetlinkFlags.Dump) == NetlinkFlags.Dump)
        {
            foreach (Family family in Families)
                NetlinkMessages.Reply(from, Controller, NetlinkFlags.Multi, header.Sequence, Describe(family));
            NetlinkMessages.Reply(from, NetlinkHeader.DoneType, NetlinkFlags.Multi, header.Sequence, new byte[sizeof(int)]);
            return Errno.Success;
        }

        Family? found = null;
        if (NetlinkAttributes.TryFind(attributes, idAttribute, out ReadOnlySpan<byte> id) && id.Length >= sizeof(ushort))
        {
            ushort wanted = MemoryMarshal.Read<ushort>(id);
            found = Array.Find(Families, family => family.Id == wanted);
        }
        else if (NetlinkAttributes.TryFind(attributes, nameAttribute, out ReadOnlySpan<byte> text))
        {
            string wanted = Encoding.ASCII.GetString(text).TrimEnd('\0');
            found = Array.Find(Families, family => family.Name == wanted);
        }
        else
        {
            return Errno.EINVAL;
        }

        if (found is null)
            return Errno.ENOENT;
        NetlinkMessages.Reply(from, Controller, NetlinkFlags.None, header.Sequence, Describe(found));
        return Errno.Success;
    }

    private static byte[] Describe(Family family)
    {
        const byte newFamily = 1;
        const ushort idAttribute = 1, nameAttribute = 2, versionAttribute = 3, headerAttribute = 4, maximumAttribute = 5, operationsAttribute = 6;
        const ushort operationId = 1, operationFlags = 2;
        var operations = new NetlinkAttributes();
        for (int i = 0; i < family.Operations.Length; i++)
        {
            (uint command, uint flags) = family.Operations[i];
            operations.Add((ushort)(i + 1), new NetlinkAttributes().Add(operationId, command).Add(operationFlags, flags).ToArray());
        }

        byte[] attributes = new NetlinkAttributes()
            .Add(nameAttribute, family.Name)
            .Add(idAttribute, family.Id)
            .Add(versionAttribute, family.Version)
            .Add(headerAttribute, 0u)
            .Add(maximumAttribute, family.LastAttribute)
            .Add(operationsAttribute, operations.ToArray())
            .ToArray();
        return [newFamily, 2, 0, 0, .. attributes];
    }

    /// <summary>TASKSTATS_CMD_GET of a thread or a process; listening for the statistics of those that exit is EOPNOTSUPP.</summary>
    private static Errno AskForStatistics(Task current, NetlinkSocket from, in NetlinkHeader header, byte command, ReadOnlySpan<byte> attributes)
    {
        const byte get = 1, answer = 2;
        const ushort pidAttribute = 1, tgidAttribute = 2, registerAttribute = 3, deregisterAttribute = 4;
        const ushort pidType = 1, tgidType = 2, statisticsType = 3, pidWithStatistics = 4, tgidWithStatistics = 5, padding = 6;
        if (command != get)
            return Errno.EOPNOTSUPP;
        if (!current.Credentials.IsCapable(current.Kernel.InitUserNamespace, Capability.NetAdmin))
            return Errno.EPERM;
        if (NetlinkAttributes.TryFind(attributes, registerAttribute, out _) || NetlinkAttributes.TryFind(attributes, deregisterAttribute, out _))
            return Errno.EOPNOTSUPP;
        bool ofThread = NetlinkAttributes.TryFind(attributes, pidAttribute, out ReadOnlySpan<byte> number);
        if (!ofThread && !NetlinkAttributes.TryFind(attributes, tgidAttribute, out number))
            return Errno.EINVAL;
        if (number.Length < sizeof(int))
            return Errno.EINVAL;
        int pid = MemoryMarshal.Read<int>(number);
        if (current.Namespaces.Pid.Find(pid)?.Task is not { } task)
            return Errno.ESRCH;
        byte[] statistics = ofThread ? TaskStatisticsRecord.OfThread(current, task) : TaskStatisticsRecord.OfProcess(current, task.ThreadGroup);
        byte[] nested = new NetlinkAttributes()
            .Add(ofThread ? pidType : tgidType, (uint)pid)
            .Add(statisticsType, statistics)
            .ToArray();

        // The padding puts the record, which holds 64-bit numbers, at a multiple of eight.
        byte[] reply = new NetlinkAttributes()
            .Add(padding, default(ReadOnlySpan<byte>))
            .Add(ofThread ? pidWithStatistics : tgidWithStatistics, nested)
            .ToArray();
        NetlinkMessages.Reply(from, TaskStatistics, NetlinkFlags.None, header.Sequence, [answer, 1, 0, 0, .. reply]);
        return Errno.Success;
    }

    private sealed record Family(ushort Id, string Name, uint Version, uint LastAttribute, (uint Command, uint Flags)[] Operations);
}
